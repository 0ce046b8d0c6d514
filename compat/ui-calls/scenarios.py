"""Every Admin and Consumer call of Kafdrop, AKHQ, kafka-ui, Redpanda Console and CMAK, once."""

import difflib
import functools
import pathlib
import subprocess

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent
NOTE = "the UIs' calls by their client; they are in no package registry"


def calls(client, _scratch):
    lib = kit.jars(f"ui-calls-{client}", HERE / "pom.xml", kafka_version=client)
    built = kit.classes(f"ui-calls-{client}-classes", lib, HERE / "UiCalls.java")
    with kit.client_broker("ui") as broker:  # its own: what it has is listed
        kit.await_metadata(broker)
        command = kit.java(f"{built}:{lib}/*", "UiCalls", broker.bootstrap, "uid")
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                              timeout=120, check=True)
    wanted = (HERE / "kafka-3.9.2.txt").read_text().splitlines()
    got = done.stdout.splitlines()
    odd = [x for x in difflib.unified_diff(wanted, got, "Kafka", "this", n=0, lineterm="")]
    assert not odd, "\n".join(odd)
    return f"{len(got)} calls answered as Apache Kafka does"


SCENARIOS = [
    kit.scenario(f"client_{v.replace('.', '_')}", "each call's outcome as on Apache Kafka 3.9.2",
                 functools.partial(calls, v), version=v, note=NOTE)
    for v in kit.V["UI_CLIENTS"].split()
]
