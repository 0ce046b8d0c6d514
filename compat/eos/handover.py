"""One cluster that goes from Ottla to Apache Kafka 3.9 and back while its clients go on.

The same data directory, ZooKeeper and port. What must outlive it: members with their generation,
offsets, open transactions; and each side's records of groups and transactions in the other's hands.
"""

import re
import signal
import subprocess

from compat import kit, paths, servers, tool
from fire import HERE, SETTINGS, Fire, java, python

SESSION_MS = 45000  # longer than a broker is away
# A Kafka that has just started knows no topics for a moment, and librdkafka 2.16 takes its word:
# zero partitions, so it fails what it was to send there. Its copiers begin anew; as their old
# members cannot always leave, their part of the chain may then wait for a session to end.
STAGES = [("k39", 1), ("k4", 2), ("librdkafka", 2)]
LAST = f"stage-{len(STAGES)}"
MORE = {**SETTINGS, "controlled.shutdown.enable": "false"}
GENERATION = re.compile(r'"type":"2","data":\{"group":"([^"]+)"\}\} payload: .*?"generation":(\d+)')
STATE = re.compile(r"transactionalId=(\S+) payload: .*?state=(\w+)")


class Handover:
    """One data directory and who has it."""

    def __init__(self, scratch, connect):
        self.scratch, self.connect = scratch, connect
        self.port, self.turn, self.broker = servers.free_ports(1)[0], 0, None
        self.generations = {}

    def start(self, kind):
        self.turn += 1
        self.broker = servers.Broker(
            kind, self.scratch / f"turn-{self.turn}-{kind}", self.connect, port=self.port,
            data=self.scratch / "data", more=MORE)
        self.broker.id = 1
        self.broker.start()
        kit.await_metadata(self.broker)

    def end(self, how):
        if how == "killed":
            self.broker.kill()
            servers.await_session_end(self.connect)
        else:
            self.broker.stop()

    def dump(self, topic, decoder):
        """All records of an internal topic by the stock tool."""
        return tool.decoded(self.scratch / "data", topic, decoder)

    def read_state(self):
        """What lies in the directory: generations never fall, every transaction is readable."""
        groups = self.dump("__consumer_offsets", "--offsets-decoder")
        seen = {}
        for group, generation in GENERATION.findall(groups):
            assert int(generation) >= seen.get(group, 0), f"{group} fell to {generation}"
            seen[group] = int(generation)
        assert seen, "no group in the log"
        assert seen.keys() >= self.generations.keys(), (seen, self.generations)
        for group, before in self.generations.items():
            assert seen[group] >= before, f"{group}: {seen[group]} after {before}"
        self.generations = seen
        states = dict(STATE.findall(self.dump("__transaction_state", "--transaction-log-decoder")))
        assert states, "no transaction in the log"
        return states


def members(fire, groups):
    """Member ids by group, once each is stable."""
    found = {}
    for group in groups:
        def stable(group=group):
            told = tool.run("kafka-consumer-groups", "--bootstrap-server", fire.boot, "--describe",
                            "--group", group, "--state").out
            return "Stable" in told
        kit.until(f"{group} is stable", stable, 90)
        rows = fire.tool("kafka-consumer-groups", "--describe", "--group", group, "--members")
        found[group] = sorted(r.split()[1] for r in rows.splitlines() if r.startswith(group))
    return found


def end_of(fire, topic):
    rows = fire.tool("kafka-get-offsets", "--topic", topic).split()
    return sum(int(row.split(":")[2]) for row in rows)


class Watchers:
    """Members that only read, so that nothing but their coordinator can end their membership."""

    def __init__(self, fire, topic):
        self.programs = {}
        for kafka in ("k39", "k4"):
            name = f"watch-{kafka}"
            self.programs[name] = kit.spawn(self.command(fire, kafka, topic, name),
                                            fire.scratch / f"{name}.log")

    @staticmethod
    def command(fire, kafka, topic, group):
        command = [*paths.java(kafka, "log-tool", 96), tool.MAIN["kafka-console-consumer"],
                   "--bootstrap-server", fire.boot, "--topic", topic, "--group", group,
                   "--from-beginning", "--isolation-level", "read_committed"]
        for setting in (f"session.timeout.ms={SESSION_MS}", "auto.commit.interval.ms=500"):
            command += ["--consumer-property", setting]
        return command

    def seen(self, name):
        lines = self.programs[name].log.read_text().splitlines()
        return [int(line) for line in lines if line.isdigit()]

    def check(self, sent):
        """Each of them saw each record, none twice: its place was never lost."""
        for name, child in self.programs.items():
            kit.until(f"{name} saw all", lambda n=name: len(self.seen(n)) >= sent, 60, child)
            kit.end(child)
            assert sorted(self.seen(name)) == list(range(sent)), f"{name} saw some twice"


def hold(fire, name, timeout_ms):
    child = kit.spawn(java("k39", "Holder", fire.boot, "held", name, timeout_ms),
                      fire.scratch / f"{name}.log", stdin=subprocess.PIPE)
    kit.until(f"{name} is open", lambda: "open" in child.log.read_text(), 60, child)
    return child


def change(over, fire, watchers, how, kind):
    """The other broker takes over under open transactions and live members."""
    kept, lost = f"kept-{over.turn}", f"lost-{over.turn}"
    holder = hold(fire, kept, 300_000)
    kit.end(hold(fire, lost, 6000), signal.SIGKILL)
    before = members(fire, watchers.programs)
    over.end(how)
    states = over.read_state()
    assert states[kept] == "Ongoing", states
    over.start(kind)
    fire.brokers = [over.broker]
    holder.communicate(b"now\n", timeout=90)
    assert holder.returncode == 0, holder.log.read_text()
    passed = end_of(fire, LAST)
    kit.until("records go through", lambda: end_of(fire, LAST) > passed + 500, 150)
    after = members(fire, watchers.programs)
    assert after == before, f"members before {before}, after {after}"
    kit.until("the abandoned one is aborted", lambda: fire.states()[lost] == "CompleteAbort", 60)
    fire.alive()
    # A member that comes anew makes the next generation, not a first one.
    before = members(fire, ["group-2"])
    kit.end(fire.programs["k4-2-0"][1])
    fire.start("k4-2-0")
    kit.until("a new member", lambda: members(fire, ["group-2"]) != before)


def live(scratch):
    turns = [("stopped", "kafka"), ("stopped", "ottla"), ("killed", "kafka"), ("killed", "ottla")]
    with servers.ensemble(scratch) as connect:
        over = Handover(scratch, connect)
        over.start("ottla")
        fire = Fire(scratch, [over.broker], session_ms=SESSION_MS)
        fire.tool("kafka-topics", "--create", "--topic", "held")
        topics = fire.start_chain(STAGES)
        feeder = fire.start_feeder(topics[0])
        watchers = Watchers(fire, topics[-1])
        for how, kind in turns:
            change(over, fire, watchers, how, kind)
        sent = fire.finish(feeder, topics)
        verify = kit.run([python(), HERE / "verify.py", "values", fire.boot, "held"])
        wanted = [f"kept-{n}" for n in range(1, len(turns) + 1)]
        assert verify.split()[:-1] == wanted, verify
        watchers.check(sent)
        over.end("stopped")
        generations = dict(over.generations)
        over.read_state()
        assert over.generations["group-2"] > generations["group-2"], "no rebalance was stored"
    return (f"{len(turns)} changes between Ottla and Kafka under live groups: members kept, "
            f"{sent} records once and in order, {len(wanted)} open transactions committed later, "
            f"{len(wanted)} abandoned ones aborted")
