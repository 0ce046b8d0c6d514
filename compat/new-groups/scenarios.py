"""KIP-848 groups: the Java client, librdkafka and franz-go as members, alone and mixed.

Apache Kafka in ZooKeeper mode refuses them, so that BROKER=kafka here is Kafka 4 in KRaft mode.
"""

import atexit
import contextlib
import functools
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import types
import uuid

from compat import kit, paths, servers, tool

HERE = pathlib.Path(__file__).resolve().parent
V = kit.V
SETTINGS = {"group.consumer.min.session.timeout.ms": 1000,
            "group.consumer.session.timeout.ms": 6000,
            "group.consumer.min.heartbeat.interval.ms": 100,
            "group.consumer.heartbeat.interval.ms": 500,
            "group.consumer.migration.policy": "bidirectional"}
_stack = contextlib.ExitStack()
atexit.register(_stack.close)
_shared = {}


def kraft(directory):
    """Apache Kafka 4 as broker and controller in one, not started."""
    port, controller = servers.free_ports(2)
    one = servers.Broker("kafka", directory, None, port=port, more=SETTINGS | {
        "broker.id": None, "node.id": 1, "process.roles": "broker,controller",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER", "num.partitions": 3,
        "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller}"})
    java = paths.java("k4", "log-server", 512)
    file = one.directory / "server.properties"
    kit.run([*java, "kafka.tools.StorageTool", "format", "--standalone", "-t",
             "4L6g3nShT-eMCtK--X86sw", "-c", file])
    one.command = [str(c) for c in [*java, "kafka.Kafka", file]]
    return one


def broker():
    """The broker of this folder's scenarios."""
    if "broker" not in _shared:
        if servers.under_test() == "kafka":
            home = _stack.enter_context(tempfile.TemporaryDirectory(prefix="ottla-kraft-"))
            one = kraft(pathlib.Path(home))
        else:
            one = kit.new_broker("groups", **{k.replace(".", "__"): v
                                              for k, v in SETTINGS.items()})
        _shared["broker"] = kit.await_metadata(_stack.enter_context(one))
    return _shared["broker"]


def java(program="Member"):
    built = kit.classes("new-groups-classes", paths.jars("k4"), *HERE.glob("*.java"))
    log = paths.CACHE / "log-tool"
    return kit.java(f"{log}:{built}:{paths.jars('k4')}/*", program, heap=128)


def python():
    version = V["CONFLUENT_KAFKA_PY_VERSION"]
    interpreter = kit.python(f"python-confluent-{version}", f"confluent-kafka=={version}")
    return [interpreter, HERE / "member.py"]


def go():
    kit.need("go")
    out = paths.CACHE / "go" / "member"
    source = paths.COMPAT / "go" / "member" / "main.go"
    if not out.exists() or out.stat().st_mtime < source.stat().st_mtime:
        kit.run(["go", "build", "-o", out, "./member"], 600, cwd=paths.COMPAT / "go")
        out.touch()
    return [out]


CLIENTS = {"java": java, "librdkafka": python, "franz": go}


class Member:
    """A running program of CLIENTS."""

    def __init__(self, client, group, topic, scratch, protocol="consumer", instance="-",
                 isolation=None):
        self.name = f"{client}-{uuid.uuid4().hex[:6]}"
        command = [*CLIENTS[client](), broker().bootstrap, group, protocol, instance, topic,
                   *([isolation] if isolation else [])]
        self.log = pathlib.Path(scratch) / f"{self.name}.log"
        with open(self.log, "ab") as out:
            self.child = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE,
                                          stdout=out, stderr=out)
        _stack.callback(self.kill)

    def lines(self, kind):
        text = self.log.read_text(errors="replace")
        whole = text[:text.rfind("\n") + 1].splitlines()
        return [x.split()[1:] for x in whole if x.split(" ")[0] == kind]

    def assigned(self):
        said = self.lines("assigned")
        return said[-1] if said else []

    def records(self):
        return [tuple(x) for x in self.lines("record")]

    def close(self):
        """The orderly end."""
        self.child.stdin.close()
        assert self.child.wait(30) == 0 and self.lines("closed") == [[]], self.tail()

    def kill(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    def tail(self):
        return f"{self.name}: {self.log.read_text(errors='replace')[-1500:]}"


class Story:
    """A topic that is fed and a group that reads it."""

    def __init__(self, scratch, name, partitions=6):
        self.scratch = scratch
        self.topic, self.group = kit.unique(name), kit.unique(f"{name}-group")
        self.sent, self.members = 0, []
        self.create(self.topic, partitions)

    def create(self, topic, partitions):
        done = tool.run("kafka-topics", "--bootstrap-server", broker().bootstrap, "--create",
                        "--topic", topic, "--partitions", partitions, kafka="k4")
        assert done.code == 0, done

    def feed(self, count, topic=None):
        """Records that are told apart by their values, over all partitions."""
        lines = "".join(f"k{i}:v{i}\n" for i in range(self.sent, self.sent + count))
        done = tool.run("kafka-console-producer", "--bootstrap-server", broker().bootstrap,
                        "--topic", topic or self.topic, "--property", "parse.key=true",
                        "--property", "key.separator=:", stdin=lines)
        assert done.code == 0, done
        self.sent += count

    def join(self, client, **more):
        topic = more.pop("topic", self.topic)
        member = Member(client, self.group, topic, self.scratch, **more)
        self.members.append(member)
        return member

    def live(self):
        return [m for m in self.members if m.child.poll() is None]

    def settled(self, *sizes):
        """Waits until the live members have all partitions, each its part; their sizes."""
        wanted = sum(sizes)

        def is_settled():
            parts = [m.assigned() for m in self.live()]
            together = [p for part in parts for p in part]
            return len(together) == len(set(together)) == wanted and (
                sorted(map(len, parts)) == sorted(sizes))
        self.until(f"{sizes} partitions", is_settled)

    def until(self, what, condition):
        try:
            kit.until(what, condition, 60)
        except AssertionError as late:
            said = "\n".join(m.tail() for m in self.members)
            raise AssertionError(f"{late}\n{said}") from None

    def all_read(self, times=1):
        """Waits until every record has been read; fails if any was read more than `times`."""
        def read():
            return [r for m in self.members for r in m.records()]
        self.until(f"{self.sent} records", lambda: len({r[3] for r in read()}) == self.sent)
        found = read()
        assert {r[3] for r in found} == {f"v{i}" for i in range(self.sent)}
        by_place = {r[:3]: r[3] for r in found}
        assert len(by_place) == self.sent, f"{len(by_place)} places of {self.sent} records"
        repeated = len(found) - self.sent
        assert repeated <= (times - 1) * self.sent, f"{repeated} were read again"
        return repeated

    def describe(self, *more):
        done = tool.run("kafka-consumer-groups", "--bootstrap-server", broker().bootstrap,
                        "--describe", "--group", self.group, *more, kafka="k4")
        assert done.code == 0, done
        return done.out + done.err

    def lags(self):
        """Of each partition with an offset."""
        rows = [row.split() for row in self.describe().splitlines()]
        return [int(row[5]) for row in rows if row[:2] == [self.group, self.topic]]

    def is_of(self, kind):
        """Whether the tool lists the group as one of this type."""
        done = tool.run("kafka-consumer-groups", "--bootstrap-server", broker().bootstrap, "--list",
                        "--type", kind, kafka="k4")
        return self.group in done.out.split()

    def end(self):
        for member in self.live():
            member.close()
        assert "has no active members" in self.describe()


def three(client, scratch):
    """Three members, one killed: its partitions go to the others."""
    story = Story(scratch, f"three-{client}")
    story.feed(300)
    members = [story.join(client) for _ in range(3)]
    story.settled(2, 2, 2)
    story.feed(300)
    story.all_read()
    members[0].kill()
    story.settled(3, 3)
    story.feed(300)
    repeated = story.all_read(times=2)
    story.until("the last commit", lambda: story.lags() == [0] * 6)
    story.end()
    return f"900 records by 3 and then 2 members, {repeated} again after a kill"


def static(client, scratch):
    """A static member restarts: it finds its partitions, nobody else notices."""
    story = Story(scratch, f"static-{client}")
    one, other = [story.join(client, instance=name) for name in ("one", "other")]
    story.settled(3, 3)
    story.feed(200)
    story.all_read()
    before, untouched = one.assigned(), len(other.lines("assigned"))
    one.close()
    story.feed(200)
    again = story.join(client, instance="one")
    story.settled(3, 3)
    assert again.assigned() == before, (again.assigned(), before)
    story.all_read()
    assert len(other.lines("assigned")) == untouched, other.tail()
    return "400 records read once, 3 partitions kept over a restart"


def regex(client, scratch):
    """A subscription by pattern takes in topics that come later."""
    story = Story(scratch, f"pattern-{client}", 2)
    story.join(client, topic=f"re:^{story.topic}.*")
    story.settled(2)
    story.feed(100)
    later = f"{story.topic}-later"
    story.create(later, 3)
    story.settled(5)
    story.feed(100, later)
    story.all_read()
    story.end()
    return "200 records of two topics, one of them made after the subscription"


def mixed(scratch):
    """Members of all three clients in one group."""
    story = Story(scratch, "mixed")
    story.feed(200)
    first = [story.join(client) for client in CLIENTS]
    story.settled(2, 2, 2)
    story.feed(200)
    story.all_read()
    first[0].close()
    story.settled(3, 3)
    story.feed(200)
    story.all_read()
    story.end()
    return "600 records read once by Java, librdkafka and franz-go together"


def rolling(client, scratch):
    """A live group changes from the classic protocol to the new one and back, a member at a
    time."""
    story = Story(scratch, f"rolling-{client}")
    old = [story.join(client, protocol="classic") for _ in range(2)]
    story.settled(3, 3)
    assert story.is_of("classic")
    repeated = 0
    for protocol, kind in (("consumer", "consumer"), ("classic", "classic")):
        new = []
        for leaving in old:
            new.append(story.join(client, protocol=protocol))
            story.settled(2, 2, 2)
            story.feed(150)
            repeated = story.all_read(times=2)
            leaving.close()
            story.settled(3, 3)
            story.feed(150)
            repeated = story.all_read(times=2)
        story.until(f"a {kind} group", functools.partial(story.is_of, kind))
        old = new
    story.end()
    return f"1200 records, {repeated} again, classic to consumer to classic"


def exactly_once(scratch):
    """Two members copy a topic in transactions, one is killed: nothing is lost or doubled."""
    story = Story(scratch, "chain")
    sink = f"{story.topic}-sink"
    story.create(sink, 3)
    chains = []
    for name in ("one", "two"):
        command = [*java("Chain"), broker().bootstrap, story.group, story.topic, sink]
        with open(scratch / f"{name}.log", "ab") as out:
            chain = subprocess.Popen([str(c) for c in command], stdin=subprocess.PIPE, stdout=out,
                                     stderr=out)
        chains.append(chain)
        _stack.callback(chain.kill)
    logs = [scratch / f"{name}.log" for name in ("one", "two")]

    def shares():
        rows = [line.split() for line in story.describe("--members").splitlines()]
        return [row[-1] for row in rows if row[:1] == [story.group]]
    story.until("two members with partitions", lambda: shares() == ["3", "3"])
    story.feed(300)
    story.until("work of both", lambda: all("copied" in x.read_text() for x in logs))
    chains[0].kill()
    chains[0].wait()
    story.feed(300)
    copies = Member("java", f"{story.group}-copies", sink, scratch, isolation="read_committed")

    def values():
        return [r[3] for r in copies.records()]
    story.until("every copy", lambda: len(set(values())) == story.sent)
    chains[1].stdin.close()
    assert chains[1].wait(30) == 0, logs[1].read_text()[-1500:]
    copies.close()
    assert sorted(values()) == sorted(f"v{i}" for i in range(story.sent)), "doubled"
    return f"{story.sent} records copied once each over a kill"


def tools(scratch):
    """kafka-consumer-groups on a live group: members, state, list, offsets, delete."""
    story = Story(scratch, "tools")
    one, two = story.join("java"), story.join("java", instance="fixed")
    story.settled(3, 3)
    story.feed(60)
    story.all_read()
    state = story.describe("--state", "--verbose")
    assert re.search(rf"{story.group} .*uniform +Stable +\d+ +\d+ +2", state), state
    members = story.describe("--members", "--verbose")
    assert members.count(story.topic) >= 4 and " fixed " in members, members
    assert story.is_of("consumer") and not story.is_of("classic")

    def delete():
        return tool.run("kafka-consumer-groups", "--bootstrap-server", broker().bootstrap,
                        "--delete", "--group", story.group, kafka="k4")
    refused = delete()
    assert "NotEmpty" in refused.out + refused.err, refused
    one.close()
    two.close()
    # A static member is away, not gone: its session has to end.
    story.until("an empty group", lambda: "has no active members" in story.describe())
    deleted = delete()
    assert "was successful" in deleted.out, deleted
    assert not story.is_of("consumer")
    return "state, members, list, delete as on Kafka 4"


def restart(scratch):
    """The broker is killed: the group goes on; its records are Kafka's."""
    story = Story(scratch, "restart")
    members = [story.join(client) for client in CLIENTS]
    story.settled(2, 2, 2)
    story.feed(200)
    story.all_read()
    one = broker()
    one.kill()
    kit.await_metadata(one.start())
    story.feed(200)
    repeated = story.all_read(times=2)
    # Whoever was too late for its session has joined again.
    story.settled(2, 2, 2)
    for member in members:
        member.close()
    decoded = {kafka: dumped(kafka, one.data, story.group) for kafka in ("k39", "k4")}
    assert decoded["k39"] and decoded["k4"], decoded
    return f"400 records, {repeated} again; {len(decoded['k4'])} records read by both dump-logs"


def takeover(scratch):
    """Kafka 3.9 takes the directory over: offsets are there; then Ottla finds the group again."""
    story = Story(scratch, "takeover")
    members = [story.join("java"), story.join("java", instance="fixed")]
    story.settled(3, 3)
    story.feed(200)
    story.all_read()
    # A record is told of before it is committed.
    story.until("the last commit", lambda: story.lags() == [0] * 6)
    one = broker()
    one.stop()
    for member in members:
        member.kill()
    kafka = servers.Broker("kafka", scratch / "kafka", kit.zookeeper_of(one), port=one.port,
                           data=one.data, more=SETTINGS)
    with kafka:
        kit.await_metadata(kafka)
        story.until("its offsets on Kafka", lambda: story.lags() == [0] * 6)
        assert "has no active members" in story.describe(), story.describe()
        kafka.stop()
    kit.await_metadata(one.start())
    story.until("the group", lambda: story.is_of("consumer"))
    story.join("java")
    story.feed(50)
    story.all_read()
    # Who was killed while the broker was away has a session from then on.
    story.settled(6)
    story.end()
    return "200 records' offsets read by Kafka 3.9, the group and 50 more by Ottla"


def downgraded(scratch):
    """Kafka 3.9 goes on with a group that the last member of the new protocol has just left."""
    story = Story(scratch, "downgraded")
    old = story.join("java", protocol="classic")
    story.settled(6)
    new = story.join("java")
    story.settled(3, 3)
    story.feed(200)
    story.all_read()
    # It cannot join again while it is stopped, so that the rebalance is still to come.
    old.child.send_signal(signal.SIGSTOP)
    new.close()
    one = broker()
    one.kill()
    record = [x for x in dumped("k39", one.data, story.group) if '"type":"2"' in x][-1]
    assert record.count('"memberId"') == 2, record
    servers.await_session_end(kit.zookeeper_of(one))
    kafka = servers.Broker("kafka", scratch / "kafka", kit.zookeeper_of(one), port=one.port,
                           data=one.data, more=SETTINGS)
    with kafka:
        kit.await_metadata(kafka)
        old.child.send_signal(signal.SIGCONT)
        story.settled(6)
        story.feed(200)
        repeated = story.all_read(times=2)
        kafka.stop()
    kit.await_metadata(one.start())
    story.feed(50)
    story.all_read(times=2)
    story.end()
    return f"200 records by two members, 200 by one on Kafka 3.9, {repeated} again, 50 by Ottla"


def moved(scratch):
    """The coordinator's broker is killed: another of the cluster has the group as it was."""
    connect = kit.zookeeper_of(broker()).split("/")[0] + f"/{kit.unique('moved')}"
    ports = servers.free_ports(2)
    cluster = types.SimpleNamespace(bootstrap=",".join(f"127.0.0.1:{port}" for port in ports))
    more = SETTINGS | {"offsets.topic.replication.factor": 2, "default.replication.factor": 2,
                       "offsets.topic.num.partitions": 1, "auto.leader.rebalance.enable": "false"}
    brokers = [servers.Broker("ottla", scratch / f"broker{i}", connect, port=port,
                              more=more | {"broker.id": i}) for i, port in enumerate(ports)]
    alone = _shared["broker"]
    with brokers[0], brokers[1]:
        for one in brokers:
            kit.await_metadata(one)
        _shared["broker"] = cluster
        try:
            story = Story(scratch, "moved")
            members = [story.join(client) for client in CLIENTS]
            story.settled(2, 2, 2)
            story.feed(200)
            story.all_read()
            kept = [m.assigned() for m in members]
            state = story.describe("--state")
            first = next(i for i, port in enumerate(ports) if f":{port}" in state)
            brokers[first].kill()
            # The tools' producer gives up before the session in ZooKeeper has ended.
            story.until("another coordinator", lambda: f":{ports[1 - first]}" in tool.run(
                "kafka-consumer-groups", "--bootstrap-server", f"127.0.0.1:{ports[1 - first]}",
                "--describe", "--group", story.group, "--state", kafka="k4").out)
            story.feed(200)
            repeated = story.all_read(times=2)
            assert [m.assigned() for m in members] == kept
            for member in members:
                member.close()
        finally:
            _shared["broker"] = alone
    return f"400 records, {repeated} again, by members that kept their partitions"


def dumped(kafka, data, group):
    """What kafka-dump-log makes of a group's records."""
    found = []
    for log in sorted(pathlib.Path(data).glob("__consumer_offsets-*/*.log")):
        done = tool.run("kafka-dump-log", "--files", log, "--offsets-decoder", kafka=kafka)
        assert done.code == 0, done
        found += [x for x in done.out.splitlines() if f'"groupId":"{group}"' in x
                  or f'"group":"{group}"' in x]
    return found


JAVA, RDKAFKA = V["KAFKA4_VERSION"], V["CONFLUENT_KAFKA_PY_VERSION"]
SCENARIOS = [
    *(kit.scenario(f"{body.__name__}_{client}", body.__doc__.splitlines()[0],
                   functools.partial(body, client), body is three, version)
      for client, version in (("java", JAVA), ("librdkafka", RDKAFKA), ("franz", "go.mod"))
      for body in (three, static, rolling)
      # franz-go leaves with epoch -2 and without its instance id, which Kafka refuses too: its
      # static members are away for a whole session.
      if (client, body) != ("franz", static)),
    *(kit.scenario(f"regex_{client}", regex.__doc__, functools.partial(regex, client),
                   version=version)
      for client, version in (("java", JAVA), ("librdkafka", RDKAFKA))),
    kit.scenario("mixed", mixed.__doc__, mixed, version=f"{JAVA}, {RDKAFKA}"),
    kit.scenario("exactly_once", exactly_once.__doc__, exactly_once, version=JAVA),
    kit.scenario("tools", tools.__doc__, tools, version=JAVA),
    kit.scenario("restart", restart.__doc__, restart, version=f"{JAVA}, {RDKAFKA}"),
]
if servers.under_test() == "ottla" and os.environ.get("METADATA") != "embedded":
    SCENARIOS += [
        kit.scenario("takeover", takeover.__doc__, takeover, version=JAVA),
        kit.scenario("downgraded", downgraded.__doc__, downgraded, version=JAVA),
        kit.scenario("moved", moved.__doc__, moved, version=f"{JAVA}, {RDKAFKA}"),
    ]
