"""The Python clients: confluent-kafka (librdkafka), kafka-python, aiokafka."""

import functools
import pathlib

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent
V = kit.V
CODECS = ("lz4", "zstandard", "python-snappy", "cramjam")
CLIENTS = {
    "confluent": (V["CONFLUENT_KAFKA_PY_VERSION"], "confluent-kafka", ()),
    "kafka_python": (V["KAFKA_PYTHON_VERSION"], "kafka-python", (*CODECS, "crc32c")),
    "aiokafka": (V["AIOKAFKA_VERSION"], "aiokafka", CODECS),
}


def check(client, mode, _scratch):
    version, package, more = CLIENTS[client]
    python = kit.python(f"python-{client}-{version}", f"{package}=={version}", *more)
    said = kit.run([python, HERE / f"{client}_check.py", kit.broker().bootstrap,
                    kit.unique(f"{client}-{mode}"), *([mode] if mode == "transactions" else [])],
                   expect=" ok ")
    return said.strip().splitlines()[-1]


SCENARIOS = [
    kit.scenario(f"{client}_{mode}", what, functools.partial(check, client, mode), True,
                 CLIENTS[client][0])
    for client in CLIENTS
    for mode, what in (("records", "admin, idempotence, every codec, group, commit"),
                       ("transactions", "committed and aborted, read_committed"))
]
