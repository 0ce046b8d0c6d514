"""The Node clients: kafkajs, @platformatic/kafka, @confluentinc/kafka-javascript, node-rdkafka."""

import functools
import pathlib
import shutil

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent
V = kit.V
PACKAGES = {"kafkajs": ("kafkajs", V["KAFKAJS_VERSION"], *V["KAFKAJS_CODECS"].split()),
            "platformatic": ("@platformatic/kafka", V["PLATFORMATIC_VERSION"])}


def check(folder, script, mode):
    said = kit.run(["node", HERE / script, kit.broker().bootstrap, kit.unique(script), *mode],
                   env={"NODE_PATH": folder / "node_modules", "NODE_FOLDER": folder},
                   expect=" ok ")
    return said.strip().splitlines()[-1]


def pure(name, script, mode, _scratch):
    package, version, *codecs = PACKAGES[name]
    folder = kit.npm(f"node-{name}-{version}", f"{package}@{version}", *codecs)
    return check(folder, script, mode)


def confluent(mode, _scratch):
    kit.need("node", "npm", "make", "g++", "python3")
    version = V["CONFLUENT_KAFKA_JS_VERSION"]
    folder = kit.fetched(f"node-confluent-{version}", lambda to: kit.run(
        [HERE / "build-confluent.sh", to, version], 900))
    return check(folder, "confluent.js", mode)


def rdkafka(mode, _scratch):
    """Built by npm, which takes minutes, then kept without what building left: half a gigabyte."""
    kit.need("node", "npm", "make", "g++", "python3")
    version = V["NODE_RDKAFKA_VERSION"]

    def make(to):
        kit.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", to,
                 f"node-rdkafka@{version}"], 1500)
        package = to / "node_modules/node-rdkafka"
        for left in [*package.glob("deps/librdkafka/*"), *package.rglob("obj.target")]:
            if left.is_dir() and left.name != "config":
                shutil.rmtree(left)

    return check(kit.fetched(f"node-rdkafka-{version}", make), "rdkafka.js", mode)


RECORDS = "admin, idempotence, the library's codecs, group, commit"
TRANSACTIONS = "committed and aborted, read_committed"
SCENARIOS = [
    kit.scenario("kafkajs_records", RECORDS,
                 functools.partial(pure, "kafkajs", "kafkajs.js", []), True,
                 V["KAFKAJS_VERSION"]),
    kit.scenario("kafkajs_transactions", TRANSACTIONS,
                 functools.partial(pure, "kafkajs", "kafkajs.js", ["transactions"]), True,
                 V["KAFKAJS_VERSION"]),
    kit.scenario("platformatic_records", RECORDS,
                 functools.partial(pure, "platformatic", "platformatic.mjs", []), True,
                 V["PLATFORMATIC_VERSION"]),
    kit.scenario("platformatic_transactions", TRANSACTIONS,
                 functools.partial(pure, "platformatic", "platformatic.mjs", ["transactions"]),
                 True, V["PLATFORMATIC_VERSION"]),
    kit.scenario("confluent_records", RECORDS, functools.partial(confluent, []),
                 version=V["CONFLUENT_KAFKA_JS_VERSION"]),
    kit.scenario("confluent_transactions", TRANSACTIONS,
                 functools.partial(confluent, ["transactions"]),
                 version=V["CONFLUENT_KAFKA_JS_VERSION"]),
    kit.scenario("rdkafka_records", RECORDS, functools.partial(rdkafka, []),
                 version=V["NODE_RDKAFKA_VERSION"]),
    kit.scenario("rdkafka_transactions", TRANSACTIONS,
                 functools.partial(rdkafka, ["transactions"]), version=V["NODE_RDKAFKA_VERSION"]),
]
