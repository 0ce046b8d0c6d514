#!/usr/bin/env python3
"""Writes schemas.jsonl: the message schemas of Apache Kafka 3.9, out of its kafka-clients jar.

usage: extract.py KAFKA_CLIENTS_JAR. Comments and descriptions are left out; requests and responses
that no ZooKeeper-mode broker serves too.
"""

import json
import pathlib
import re
import sys
import zipfile


def bare(node):
    """Without what only tells a reader something."""
    if isinstance(node, dict):
        return {k: bare(v) for k, v in node.items() if k not in ("about", "entityType", "ignorable")}
    return [bare(x) for x in node] if isinstance(node, list) else node


def main():
    here = pathlib.Path(__file__).resolve().parent
    served, lines = set(), []
    with zipfile.ZipFile(sys.argv[1]) as jar:
        names = [n for n in jar.namelist() if re.fullmatch(r"common/message/\w+\.json", n)]
        schemas = [json.loads(re.sub(rb"(?m)^\s*//.*$", b"", jar.read(n))) for n in names]
    for schema in schemas:
        if schema["type"] == "request" and "zkBroker" in schema.get("listeners", []):
            served.add(schema["apiKey"])
    for schema in schemas:
        if schema["type"] in ("request", "response") and schema["apiKey"] in served:
            lines.append((schema["apiKey"], schema["type"], json.dumps(bare(schema))))
    text = "".join(line + "\n" for _, _, line in sorted(lines))
    (here / "schemas.jsonl").write_text(text)


main()
