"""Transactions in every state of `__transaction_state`, written by one broker and loaded by another
kind: open ones are committed, aborted, timed out and fenced there, decided ones finished.

A transaction stays decided, its markers unwritten, because one of its partitions is on a second
broker, which is down while the first changes hands. What lies in the directory between is read by
the stock decoders.
"""

import re
import time

from compat import kit, servers, tool, wire

# Timing out is looked for often; a dead broker's session ends soon.
MORE = {
    "controlled.shutdown.enable": "false",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 1000,
    "zookeeper.session.timeout.ms": 3000,
}
SHORT_MS = 25_000
STATE = re.compile(r"transactionalId=(\S+) payload: .*?state=(\w+)")
WRITTEN = {
    "ended-c": "CompleteCommit", "ended-a": "CompleteAbort", "unused": "Empty",
    "open-c": "Ongoing", "open-a": "Ongoing", "open-fenced": "Ongoing", "open-late": "Ongoing",
    "decided-c": "PrepareCommit", "decided-a": "PrepareAbort",
}
LOADED = {
    "ended-c": "CompleteCommit", "ended-a": "CompleteAbort", "unused": "Empty",
    "open-c": "CompleteCommit", "open-a": "CompleteAbort", "open-fenced": "Empty",
    "open-late": "CompleteAbort", "decided-c": "CompleteCommit", "decided-a": "CompleteAbort",
}
COMMITTED = {"near": ["ended-c", "decided-c", "open-c"], "far": ["decided-c", "decided-a after"]}


class Pair:
    """Broker 1 keeps the internal topics and `near`, broker 2 only `far`."""

    def __init__(self, scratch, connect, kind):
        self.scratch, self.connect = scratch, connect
        self.ports = servers.free_ports(2)
        self.first, self.second = self.start(kind, 1), None

    def start(self, kind, id):
        one = servers.Broker(kind, self.scratch / f"{kind}-{id}", self.connect,
                             port=self.ports[id - 1], data=self.scratch / f"data-{id}",
                             more={**MORE, "broker.id": id})
        one.start()
        return kit.await_metadata(one)

    def kill(self, id):
        one = self.first if id == 1 else self.second
        one.kill()
        servers.await_session_end(self.connect, id)

    def tool(self, script, *args, **how):
        return tool.run(script, "--bootstrap-server", self.first.bootstrap, *args, **how)

    def create(self, topic, broker):
        kit.until(f"{topic} is made", lambda: self.tool(
            "kafka-topics", "--create", "--if-not-exists", "--topic", topic,
            "--replica-assignment", broker).code == 0)
        kit.until(f"{topic} is led", lambda: f"Leader: {broker}" in self.tool(
            "kafka-topics", "--describe", "--topic", topic).out)

    def states(self):
        rows = self.tool("kafka-transactions", "list").out.splitlines()[1:]
        return {row.split()[0]: row.split()[3] for row in rows if row.strip()}

    def dump(self, topic, decoder):
        return tool.decoded(self.scratch / "data-1", topic, decoder)


def write(pair):
    """Transactions in all states; the producers of those that somebody ends later."""
    def begin(name, topic="near", **more):
        one = wire.Producer(pair.first.bootstrap, name, **more)
        one.add(topic)
        if topic == "near":
            one.produce("near", name, int(time.time() * 1000))
        return one
    # Both internal topics are made now, while there is no other broker to place them on.
    wire.Producer(pair.first.bootstrap, "unused").find("readers")
    for name in ("ended-c", "ended-a"):
        begin(name).end(name.endswith("-c"))
    pair.second = pair.start(pair.first.kind, 2)
    pair.create("far", 2)
    decided = [begin("decided-c"), begin("decided-a")]
    for one in decided:
        one.add("far")
        far = wire.Producer(pair.second.bootstrap, one.id, producer=one.producer)
        far.produce("far", one.id, int(time.time() * 1000))
    pair.kill(2)
    for one in decided:
        one.end(one.id.endswith("-c"))
    held = {name: begin(name) for name in ("open-c", "open-a", "open-fenced")}
    held["open-c"].offset("readers", "near", 7)
    held["open-late"] = begin("open-late", timeout_ms=SHORT_MS)
    return held


def end(pair, held):
    """What clients do with what another broker began."""
    boot = pair.first.bootstrap
    def again(name):
        return wire.Producer(boot, name, producer=held[name].producer)
    again("open-c").end(True)
    again("open-c").end(True)
    again("open-a").end(False)
    fenced = wire.Producer(boot, "open-fenced")
    old = held["open-fenced"].producer
    assert fenced.producer == (old[0], old[1] + 2), (old, fenced.producer)
    assert again("open-fenced").end_refused() == 47, "the old one was not fenced"
    kit.until("all is ended", lambda: pair.states() == LOADED, 90)
    assert again("open-late").end_refused() == 47, "the late one was not fenced"
    # The decided one may go on as it is: it was never fenced.
    after = wire.Producer(boot, "decided-a", producer=pair.decided)
    after.add("far")
    far = wire.Producer(pair.second.bootstrap, "decided-a", producer=pair.decided)
    far.sequence = 1
    far.produce("far", "decided-a after", int(time.time() * 1000))
    after.end(True)


def read(pair, topic, count):
    """The first values that are committed; one that should not be would come before the last."""
    done = pair.tool("kafka-console-consumer", "--topic", topic, "--from-beginning",
                     "--isolation-level", "read_committed", "--max-messages", count,
                     "--timeout-ms", 40_000)
    return done.out.split("\n")[:-1]


def change(scratch, writer, loader):
    with servers.ensemble(scratch) as connect:
        pair = Pair(scratch, connect + "/states", writer)
        try:
            return over(pair, loader)
        finally:
            for one in (pair.first, pair.second):
                if one is not None:
                    one.kill()


def over(pair, loader):
    pair.create("near", 1)
    held = write(pair)
    assert pair.states() == WRITTEN, pair.states()
    pair.decided = decided_producer(pair)
    pair.kill(1)
    states = dict(STATE.findall(pair.dump("__transaction_state", "--transaction-log-decoder")))
    assert states == WRITTEN, states
    groups = pair.dump("__consumer_offsets", "--offsets-decoder")
    assert '"group":"readers"' in groups, groups[-2000:]
    if loader == "kafka":
        # One that starts alone loads before its controller told it of `far`, takes that for
        # deleted, ends the decided transactions without it and leaves them hanging there.
        pair.second = pair.start(loader, 2)
    pair.first = pair.start(loader, 1)
    kit.until("the loaded are listed", lambda: len(pair.states()) == len(WRITTEN), 60)
    if loader != "kafka":
        pair.second = pair.start(loader, 2)
    end(pair, held)
    for topic, wanted in COMMITTED.items():
        values = read(pair, topic, len(wanted))
        assert sorted(values) == sorted(wanted), f"{topic} has {values}"
    rows = pair.tool("kafka-consumer-groups", "--describe", "--group", "readers").out
    assert re.search(r"readers\s+near\s+0\s+7\b", rows), rows
    for id in (1, 2):
        told = pair.tool("kafka-transactions", "find-hanging", "--broker-id", id).out
        assert len(told.strip().splitlines()) <= 1, told
    pair.kill(1)
    final = dict(STATE.findall(pair.dump("__transaction_state", "--transaction-log-decoder")))
    assert final == {**LOADED, "decided-a": "CompleteCommit"}, final
    return f"{len(WRITTEN)} transactions in {len(set(WRITTEN.values()))} states, all ended rightly"


def decided_producer(pair):
    rows = pair.tool("kafka-transactions", "describe", "--transactional-id", "decided-a").out
    row = rows.splitlines()[1].split()
    return int(row[2]), int(row[3])


def to_kafka(scratch):
    return change(scratch, servers.under_test(), "kafka")


def from_kafka(scratch):
    return change(scratch, "kafka", servers.under_test())
