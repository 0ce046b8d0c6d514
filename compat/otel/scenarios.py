"""The OpenTelemetry Collector with its Kafka exporter and receiver, built by its own builder."""

import json
import pathlib
import re
import shutil
import urllib.request

from compat import kit, servers

HERE = pathlib.Path(__file__).resolve().parent
V = kit.V["OTEL_COLLECTOR_VERSION"]
COUNT, BATCH = 1000, 100


def filled(name, to, **names):
    """A file of this folder with its @NAMES@ filled in."""
    text = (HERE / name).read_text()
    for key, value in names.items():
        text = text.replace(f"@{key}@", str(value))
    to.write_text(text)
    return to


def built(folder):
    env = {"GOBIN": folder}
    kit.run(["go", "install", f"go.opentelemetry.io/collector/cmd/builder@v{V}"], 900, env=env)
    config = filled("builder.yaml", folder / "builder.yaml", VERSION=V, DIR=folder)
    kit.run([folder / "builder", "--config", config], 1800, cwd=folder)
    shutil.move(folder / "out/otelc", folder / "otelc")


def post(port, first):
    """Sends a batch of log records by OTLP, numbered from `first`."""
    logs = [{"body": {"stringValue": f"line {n}"}} for n in range(first, first + BATCH)]
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": logs}]}]}
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/v1/logs", json.dumps(body).encode(),
                                   {"content-type": "application/json"})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert answer.status == 200, answer.status


def logs(scratch):
    kit.need("go")
    program = kit.fetched(f"otel-{V}", built) / "otelc"
    port, topic = servers.free_ports(1)[0], kit.create(kit.unique("otel"))
    config = filled("collector.yaml", scratch / "collector.yaml", PORT=port, TOPIC=topic,
                    BOOT=kit.broker().bootstrap)
    log = scratch / "log"

    def arrived():
        """The numbers of the log records that came back."""
        return [int(n) for n in re.findall(r"Body: Str\(line (\d+)\)", log.read_text())]

    with kit.running([program, "--config", config], log) as child:
        kit.until("the collector listens", lambda: servers.listens(port), 60, child)
        for first in range(0, COUNT, BATCH):
            post(port, first)
        kit.until("the records come back", lambda: len(set(arrived())) >= COUNT, 60, child)
    got = arrived()
    assert sorted(got) == list(range(COUNT)), f"{len(got)} records of {COUNT}"
    return f"{COUNT} log records in by OTLP, out and back through the topic"


SCENARIOS = [kit.scenario("logs", "kafka exporter out, kafka receiver in", logs, version=V)]
