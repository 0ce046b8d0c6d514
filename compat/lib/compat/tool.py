"""The stock tools by their script names, run in one long-lived JVM for each Kafka version.

A JVM of its own costs most of a second of CPU for each call; ToolDriver.java runs the tools'
main classes with their streams captured. Knows nothing about brokers.
"""

import atexit
import dataclasses
import json
import subprocess

from . import paths

TOOLS = "org.apache.kafka.tools."
MAIN = {
    "kafka-topics": TOOLS + "TopicCommand",
    "kafka-console-producer": "kafka.tools.ConsoleProducer",
    "kafka-console-consumer": TOOLS + "consumer.ConsoleConsumer",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-consumer-groups": TOOLS + "consumer.group.ConsumerGroupCommand",
    "kafka-groups": TOOLS + "GroupsCommand",
    "kafka-get-offsets": TOOLS + "GetOffsetShell",
    "kafka-delete-records": TOOLS + "DeleteRecordsCommand",
    "kafka-log-dirs": TOOLS + "LogDirsCommand",
    "kafka-dump-log": "kafka.tools.DumpLogSegments",
    "kafka-broker-api-versions": "kafka.admin.BrokerApiVersionsCommand",
    "kafka-cluster": TOOLS + "ClusterTool",
    "kafka-features": TOOLS + "FeatureCommand",
    "kafka-leader-election": TOOLS + "LeaderElectionCommand",
    "kafka-reassign-partitions": TOOLS + "reassign.ReassignPartitionsCommand",
    "kafka-transactions": TOOLS + "TransactionsCommand",
    "kafka-producer-perf-test": TOOLS + "ProducerPerformance",
    "kafka-consumer-perf-test": TOOLS + "ConsumerPerformance",
    "kafka-e2e-latency": TOOLS + "EndToEndLatency",
    "kafka-verifiable-producer": TOOLS + "VerifiableProducer",
    "kafka-verifiable-consumer": TOOLS + "VerifiableConsumer",
    "kafka-streams-application-reset": TOOLS + "StreamsResetter",
}
MAIN_IN_4 = {
    "kafka-console-producer": TOOLS + "ConsoleProducer",
    "kafka-dump-log": TOOLS + "DumpLogSegments",
    "kafka-broker-api-versions": TOOLS + "BrokerApiVersionsCommand",
}


# Tools that fail or run out of time leave clients behind; a JVM has room for so many.
RUNS = 300


@dataclasses.dataclass
class Ran:
    """What a tool did: exit code (124: time was over) and both streams."""

    code: int
    out: str
    err: str


class Driver:
    """One JVM with the tools of one Kafka."""

    def __init__(self, kafka):
        self.kafka = kafka
        self.child = None
        self.left = 0

    def run(self, script, args, stdin=None, seconds=60):
        main = MAIN_IN_4.get(script) if self.kafka == "k4" else None
        request = {"main": main or MAIN[script], "args": [str(a) for a in args],
                   "stdin": stdin, "seconds": seconds}
        if self.left == 0 and self.child is not None:
            self.child.kill()
            self.child.wait()
        if self.child is None or self.child.poll() is not None:
            self.left = RUNS
            command = paths.java(self.kafka, "log-tool", 512) + ["ToolDriver"]
            self.child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                          text=True, encoding="utf-8")
            atexit.register(self.child.kill)
        self.child.stdin.write(json.dumps(request) + "\n")
        self.child.stdin.flush()
        answer = self.child.stdout.readline()
        if not answer:
            raise RuntimeError(f"the tools' JVM ended while it ran {script} {args}")
        ran = Ran(**json.loads(answer))
        self.left = 0 if ran.code == 124 else self.left - 1
        return ran


_drivers = {}


def run(script, *args, kafka="k39", stdin=None, seconds=60):
    """Runs a stock tool in the shared JVM."""
    driver = _drivers.setdefault(kafka, Driver(kafka))
    return driver.run(script, args, stdin, seconds)


def decoded(data, topic, decoder):
    """All records of an internal topic in a log directory, by kafka-dump-log's decoder for it."""
    files = sorted(data.glob(f"{topic}-*/*.log"))
    done = run("kafka-dump-log", decoder, "--files", ",".join(map(str, files)))
    assert done.code == 0 and "Found invalid" not in done.out, done
    return done.out


def run_alone(script, *args, kafka="k39", stdin=None, stdout=subprocess.PIPE, seconds=300):
    """Runs a stock tool in a JVM of its own, its streams files or bytes: the real way in."""
    main = MAIN_IN_4.get(script) if kafka == "k4" else None
    command = paths.java(kafka, "log-tool", 512) + [main or MAIN[script], *map(str, args)]
    return subprocess.run(command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                          timeout=seconds, check=False)
