"""Crashes while producing, and the loss of ZooKeeper's servers, quorum and session.

A broker goes on serving produce and fetch without ZooKeeper, and takes up the rest when it is back.
"""

import contextlib
import json
import os
import signal
import subprocess
import time

from compat import paths, servers, tool

SECONDS = 60
SESSION = {"zookeeper.session.timeout.ms": 2000}
KILLS = 4


def until(what, true):
    """Waits until true() holds."""
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline, f"not in {SECONDS} s: {what}"
        time.sleep(0.05)


def start(kind, directory, connect, **more):
    return servers.Broker(kind, directory, connect, more={**SESSION, **more})


def done(broker, script, *args, stdin=None):
    """A tool's output; it must succeed."""
    ran = tool.run(script, "--bootstrap-server", broker.bootstrap, *args, stdin=stdin)
    assert ran.code == 0, (ran, broker.tail())
    return ran.out


def create(broker, topic, *args):
    done(broker, "kafka-topics", "--create", "--topic", topic, *args)


def round_trip(broker, topic, text):
    """Writes one line and reads all of the topic."""
    done(broker, "kafka-console-producer", "--topic", topic, stdin=text + "\n")
    ran = tool.run("kafka-console-consumer", "--bootstrap-server", broker.bootstrap, "--topic",
                   topic, "--partition", 0, "--offset", "earliest", "--timeout-ms", 2000)
    assert text in ran.out.splitlines(), (ran, broker.tail())


def acknowledged(file):
    """Offset to value of every send that the verifiable producer was told of."""
    sent = {}
    for line in file.read_text().splitlines():
        with contextlib.suppress(json.JSONDecodeError):  # the last line may be half there
            told = json.loads(line)
            if told["name"] == "producer_send_success":
                sent[told["offset"]] = told["value"]
    return sent


def kills_while_producing(scratch):
    """kill -9 again and again under an idempotent producer: nothing acknowledged is lost"""
    kind = servers.under_test()
    props, out = scratch / "producer.properties", scratch / "acknowledged"
    props.write_text("enable.idempotence=true\nretries=2147483647\nlinger.ms=2\n"
                     "reconnect.backoff.max.ms=100\n")
    with servers.ensemble(scratch) as connect, start(kind, scratch / "b", connect) as broker:
        create(broker, "killed", "--config", "segment.bytes=100000")
        command = paths.java("k39", "log-tool", 256) + [
            tool.MAIN["kafka-verifiable-producer"], "--bootstrap-server", broker.bootstrap,
            "--topic", "killed", "--throughput", "3000", "--producer.config", props]
        with open(out, "wb") as stdout:
            producer = subprocess.Popen([str(c) for c in command], stdout=stdout,
                                        stderr=subprocess.DEVNULL)
        try:
            for _ in range(KILLS):
                seen = len(acknowledged(out))
                until("acknowledged", lambda n=seen: len(acknowledged(out)) > n + 3000)
                broker.kill()
                if kind == "kafka":
                    servers.await_session_end(connect)
                broker.start()
            seen = len(acknowledged(out))
            until("acknowledged", lambda: len(acknowledged(out)) > seen + 1000)
        finally:
            producer.terminate()
            producer.wait(SECONDS)
        if kind == "ottla":
            waits = "waiting for that session to end"
            assert waits in broker.log.read_text(), "no line tells of the wait at a restart"
        sent = acknowledged(out)
        ran = tool.run("kafka-console-consumer", "--bootstrap-server", broker.bootstrap, "--topic",
                       "killed", "--from-beginning", "--timeout-ms", 5000, "--property",
                       "print.offset=true")
        rows = [x.removeprefix("Offset:").split("\t") for x in ran.out.splitlines()]
        held = {int(offset): value for offset, value in rows}
        lost = {o: v for o, v in sent.items() if held.get(o) != v}
        assert not lost, f"{len(lost)} of {len(sent)} lost, first {sorted(lost.items())[:3]}"
        assert len(set(held.values())) == len(held), "a record is there twice"
        assert list(held) == list(range(len(held))), "a gap in the offsets"
    return f"{len(sent)} acknowledged over {KILLS} crashes, all there once"


def zookeeper_servers_lost(scratch):
    """one server of three lost, then the quorum, then all back"""
    with servers.running(scratch, 3) as members:
        connect = ",".join(f"127.0.0.1:{one.port}" for one in members)
        with start(servers.under_test(), scratch / "b", connect) as broker:
            create(broker, "before")
            members[0].kill()
            create(broker, "with-two")
            round_trip(broker, "with-two", "two of three")
            members[1].kill()
            lost_at = time.monotonic()
            until("produced without a quorum past the session's life", lambda: (
                round_trip(broker, "before", f"alone {time.monotonic()}"),
                time.monotonic() > lost_at + 5)[1])
            members[0].start()
            members[1].start()
            until("a topic made with the quorum back", lambda: tool.run(
                "kafka-topics", "--bootstrap-server", broker.bootstrap, "--create",
                "--if-not-exists", "--topic", "after").code == 0)
            round_trip(broker, "after", "three of three")
    return "served throughout, topics made again after the quorum was back"


def controller_of(broker):
    """Who the broker says is controller, or None."""
    ran = subprocess.run(["kcat", "-b", broker.bootstrap, "-L", "-J"], capture_output=True,
                         timeout=SECONDS, check=False)
    with contextlib.suppress(json.JSONDecodeError):
        return json.loads(ran.stdout).get("controllerid")
    return None


def session_lost(scratch):
    """a controller stopped beyond its session: another is elected, it returns as a mere broker"""
    kind = servers.under_test()
    more = {"offsets.topic.replication.factor": 2}
    with servers.ensemble(scratch) as connect:
        with start(kind, scratch / "1", connect, **more) as one, \
                start(kind, scratch / "2", connect, **{"broker.id": 2, **more}) as two:
            until("two brokers", lambda: tool.run(
                "kafka-topics", "--bootstrap-server", one.bootstrap, "--create", "--if-not-exists",
                "--topic", "pair", "--replication-factor", 2).code == 0)
            until("a controller", lambda: controller_of(two) in (1, 2))
            first = controller_of(two)  # either: an open port does not mean registered
            other = 3 - first
            if first == 2:
                one, two = two, one
            os.kill(one.child.pid, signal.SIGSTOP)
            servers.await_session_end(connect, first)
            until("the other as controller", lambda: controller_of(two) == other)
            round_trip(two, "pair", "without the first")
            os.kill(one.child.pid, signal.SIGCONT)
            until("both in sync again", lambda: in_sync(two, "pair") == {"1", "2"})
            until("the first knows the controller", lambda: controller_of(one) == other)
            create(one, "later", "--replication-factor", "2")
            round_trip(one, "later", "with the first")
    return "the controller moved and stayed, the first registered again and caught up"


def in_sync(broker, topic):
    rows = done(broker, "kafka-topics", "--describe", "--topic", topic).split("Isr: ")
    return set(rows[1].split()[0].split(",")) if len(rows) > 1 else set()


def id_taken(scratch):
    """a second broker of the same id is refused, the first goes on"""
    kind = servers.under_test()
    with servers.ensemble(scratch) as connect:
        with start(kind, scratch / "first", connect) as first:
            # An open port does not mean registered: the second could be the one that is first.
            until("the first is registered", lambda: controller_of(first) == 1)
            second = start(kind, scratch / "second", connect)
            second.ready = lambda: False
            try:
                second.start()
                raise AssertionError("the second broker started")
            except servers.NotReady as e:
                told = str(e)
            assert "ended with 1" in told, told
            if kind == "ottla":
                assert "another broker has the same broker.id" in told, told
            create(first, "still")
            round_trip(first, "still", "here")
    return "refused"


def id_generated(scratch):
    """no broker.id: ZooKeeper gives 1001, which stays after kill -9, next to its old session"""
    kind = servers.under_test()
    with servers.ensemble(scratch) as connect:
        with start(kind, scratch / "b", connect + "/ids", **{"broker.id": None}) as broker:
            until("the controller is 1001", lambda: controller_of(broker) == 1001)
            create(broker, "kept")
            round_trip(broker, "kept", "before")
            assert "broker.id=1001" in (broker.data / "meta.properties").read_text()
            broker.kill()
            if kind == "kafka":
                servers.await_session_end(connect, 1001)
            broker.start()
            until("the controller is 1001 again", lambda: controller_of(broker) == 1001)
            round_trip(broker, "kept", "after")
            if kind == "ottla":
                assert "already registered; waiting" in broker.tail(20_000), broker.tail()
    return "1001 before and after"


SCENARIOS = [kills_while_producing, zookeeper_servers_lost, session_lost, id_taken, id_generated]
