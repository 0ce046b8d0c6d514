"""Logstash's Kafka output and input: the plugin's own client with every setting it passes."""

import functools
import pathlib

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent
NOTE = "the plugin's client and settings; Logstash itself is in no package registry"


def plugin(client, _scratch):
    lib = kit.jars(f"logstash-{client}", HERE / "pom.xml", kafka_version=client)
    built = kit.classes(f"logstash-{client}-classes", lib, HERE / "LogstashLike.java")
    said = kit.run(kit.java(f"{built}:{lib}/*", "LogstashLike", HERE, kit.broker().bootstrap,
                            kit.unique("logstash"), 5000),
                   expect="sent 5000, received 5000, distinct 5000, committed 5000")
    return next(x for x in said.splitlines() if x.startswith("sent "))


SCENARIOS = [
    kit.scenario(f"client_{v.replace('.', '_')}", "output's settings out, input's settings in",
                 functools.partial(plugin, v), v == "3.9.1", v, NOTE)
    for v in kit.V["LOGSTASH_CLIENTS"].split()
]
