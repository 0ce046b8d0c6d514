"""A chain of programs that copy in transactions, and what kills them and the brokers.

Which process is killed when comes from one seed. A run ends in quiet: everything is up, the last
record is through, every program ends by itself; then nothing may be missing, twice, or open.
"""

import contextlib
import os
import pathlib
import random
import signal
import time

from compat import kit, paths, servers, tool

HERE = pathlib.Path(__file__).resolve().parent
V = kit.V
SETTINGS = {
    "zookeeper.session.timeout.ms": 3000,
    "group.min.session.timeout.ms": 1000,
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 2000,
    "default.replication.factor": 1,
}
REPLICATED = {
    "default.replication.factor": 3,
    "min.insync.replicas": 2,
    "offsets.topic.replication.factor": 3,
    "transaction.state.log.replication.factor": 3,
    "transaction.state.log.min.isr": 2,
    "replica.lag.time.max.ms": 10000,
}
PARTITIONS = 3
RATE = 400
SESSION_MS = 3000
FROZEN_SECONDS = 4.5  # longer than a member's session
DONE = {"CompleteCommit", "CompleteAbort", "Empty"}


def python():
    version = V["CONFLUENT_KAFKA_PY_VERSION"]
    return kit.python(f"python-confluent-{version}", f"confluent-kafka=={version}")


def java(kafka, main, *args):
    """The command line of one of this folder's Java programs, on the client of a Kafka."""
    built = kit.classes("eos-classes", paths.jars("k39"), *HERE.glob("*.java"))
    *start, path = paths.java(kafka, "log-tool", 96)
    return [*start, f"{path}:{built}", main, *args]


def copier(client, *args):
    """The command line of one copying program: of "k39", "k4" (Java) or of "librdkafka"."""
    if client == "librdkafka":
        return [python(), HERE / "copier.py", *args]
    return java(client, "Copier", *args)


class Fire:
    """One run over started brokers."""

    def __init__(self, scratch, brokers, seed=0, session_ms=SESSION_MS):
        self.scratch, self.brokers, self.session_ms = scratch, brokers, session_ms
        self.random = random.Random(seed)
        self.boot = ",".join(one.bootstrap for one in brokers)
        self.programs, self.counts = {}, {"client": 0, "frozen": 0, "broker": 0}

    def tool(self, script, *args):
        done = tool.run(script, "--bootstrap-server", self.boot, *args)
        assert done.code == 0, done
        return done.out

    def start(self, name):
        command = self.programs[name][0]
        self.programs[name] = command, kit.spawn(command, self.scratch / f"{name}.log")

    def start_chain(self, stages):
        """A stage is (client, how many of it); its output is the next one's input."""
        topics = ["stage-0"]
        for n, (client, count) in enumerate(stages, 1):
            topics.append(f"stage-{n}")
            for i in range(count):
                name = f"{client}-{n}-{i}"
                command = copier(client, self.boot, topics[-2], topics[-1], f"group-{n}", name,
                                 self.session_ms)
                self.programs[name] = command, None
        for topic in topics:
            kit.until(f"{topic} is made", lambda t=topic: tool.run(
                "kafka-topics", "--bootstrap-server", self.boot, "--create", "--if-not-exists",
                "--topic", t, "--partitions", PARTITIONS).code == 0)
        for name in self.programs:
            self.start(name)
        return topics

    def alive(self):
        for name, (_, child) in self.programs.items():
            assert child.poll() is None, f"{name} ended: {child.log.read_text()[-2000:]}"

    def kill_client(self):
        name = self.random.choice(sorted(self.programs))
        kit.end(self.programs[name][1], signal.SIGKILL)
        self.start(name)
        self.counts["client"] += 1

    def freeze_client(self):
        """Stops a program until its group and perhaps its transaction are given to others."""
        name = self.random.choice(sorted(self.programs))
        child = self.programs[name][1]
        os.killpg(child.pid, signal.SIGSTOP)
        time.sleep(FROZEN_SECONDS)
        os.killpg(child.pid, signal.SIGCONT)
        self.counts["frozen"] += 1

    def kill_broker(self):
        one = self.brokers[self.counts["broker"] % len(self.brokers)]
        one.kill()
        if one.kind == "kafka":
            servers.await_session_end(kit.zookeeper_of(one), one.id)
        one.start()
        self.counts["broker"] += 1

    def burn(self, seconds):
        """Kills for so long; each pause and each victim comes from the seed."""
        acts = [self.kill_client] * 5 + [self.freeze_client] + [self.kill_broker] * 3
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(self.random.uniform(0.5, 4))
            self.alive()
            self.random.choice(acts)()
        if not self.counts["broker"]:
            self.kill_broker()

    def end(self):
        for name, (_, child) in self.programs.items():
            code = kit.end(child, seconds=60)
            wanted = (0, 143)  # a JVM that was told to end says 143
            assert code in wanted, f"{name} ended with {code}: {child.log.read_text()[-2000:]}"

    def states(self):
        """Transactional id to the state of its transaction."""
        rows = self.tool("kafka-transactions", "list").splitlines()[1:]
        return {row.split()[0]: row.split()[3] for row in rows if row}

    def nothing_hangs(self):
        """No transaction is open or half ended, by the coordinators and by the partitions."""
        kit.until("transactions ended", lambda: set(self.states().values()) <= DONE, 30)
        assert set(self.states()) >= set(self.programs), self.states()
        for one in self.brokers:
            told = self.tool("kafka-transactions", "find-hanging", "--broker-id", one.id)
            assert len(told.strip().splitlines()) <= 1, told


    def start_feeder(self, topic):
        command = java("k39", "Feeder", self.boot, topic, PARTITIONS, RATE)
        return kit.spawn(command, self.scratch / "feeder.log")

    def finish(self, feeder, topics):
        """Ends all, first the feeder, when everything is through; how many records were fed."""
        kit.end(feeder, seconds=150)
        said = feeder.log.read_text().splitlines()[-1:]
        assert said and said[0].startswith("sent "), feeder.log.read_text()[-2000:]
        sent = int(said[0].split()[1])
        verify = [python(), HERE / "verify.py"]
        kit.run([*verify, "wait", self.boot, topics[-1], sent], 600, expect="ok")
        self.alive()
        self.end()
        self.nothing_hangs()
        stages = [x for n, topic in enumerate(topics[1:], 1) for x in (f"group-{n}", topic)]
        kit.run([*verify, "check", self.boot, sent, topics[0], *stages], 600, expect="ok")
        return sent


def run(scratch, brokers, stages, seconds, seed):
    """Burns and verifies; one line about it."""
    fire = Fire(scratch, brokers, seed)
    topics = fire.start_chain(stages)
    feeder = fire.start_feeder(topics[0])
    fire.burn(seconds)
    sent = fire.finish(feeder, topics)
    counts = fire.counts
    return (f"{sent} records through {len(topics) - 1} stages once and in order, "
            f"{counts['client']} kills and {counts['frozen']} freezes of clients, "
            f"{counts['broker']} kills of brokers")


@contextlib.contextmanager
def cluster(scratch, count):
    """Started brokers: one on the run's store, or several on a ZooKeeper of their own."""
    if count == 1:
        one = kit.new_broker("eos", **{k.replace(".", "__"): v for k, v in SETTINGS.items()})
        one.id = 1
        with one:
            yield [kit.await_metadata(one)]
        return
    with servers.ensemble(scratch) as connect, contextlib.ExitStack() as stack:
        brokers = []
        for id in range(1, count + 1):
            more = {**SETTINGS, **REPLICATED, "broker.id": id}
            one = servers.Broker(servers.under_test(), scratch / f"broker-{id}", connect, more=more)
            one.id = id
            brokers.append(stack.enter_context(one))
        for one in brokers:
            kit.await_metadata(one)
        yield brokers
