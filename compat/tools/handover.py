"""A data directory that goes from Ottla to Apache Kafka and back, each time after kill -9."""

import time

from compat import servers, tool


def lines(name, count=500):
    return "".join(f"{name} {i}\n" for i in range(count))


class Visit:
    """What one broker does while it has the directory."""

    def __init__(self, broker):
        self.boot = ("--bootstrap-server", broker.bootstrap)

    def run(self, script, *args, **how):
        done = tool.run(script, *self.boot, *args, **how)
        assert done.code == 0, done
        return done

    def produce(self, topic, text):
        self.run("kafka-console-producer", "--topic", topic, "--compression-codec", "lz4",
                 stdin=text)

    def consume(self, topic, count, group):
        done = self.run("kafka-console-consumer", "--topic", topic, "--group", group,
                        "--from-beginning", "--max-messages", count, "--timeout-ms", 30000)
        assert f"total of {count} messages" in done.err, done.err[-2000:]
        return done.out

    def end_and_committed(self, topic, group):
        deadline = time.monotonic() + 30  # an open port does not mean a leader yet
        while "Leader: 1" not in tool.run("kafka-topics", *self.boot, "--describe", "--topic",
                                          topic).out:
            assert time.monotonic() < deadline, f"no leader of {topic}"
        ends = self.run("kafka-get-offsets", "--topic", topic).out.strip()
        rows = self.run("kafka-consumer-groups", "--describe", "--group", group).out
        row = next(x.split() for x in rows.splitlines() if x.startswith(group))
        return ends, row[3]


def handover(scratch):
    """directory written by Ottla, kill -9, opened by Kafka 3.9 on the same ZooKeeper, and back"""
    turns = [servers.under_test(), "kafka", servers.under_test(), "kafka"]
    written = ""
    with servers.ensemble(scratch) as connect:
        port = servers.free_ports(1)[0]
        for turn, kind in enumerate(turns):
            broker = servers.Broker(kind, scratch / f"turn{turn}", connect + "/cluster", port=port,
                                    data=scratch / "data",
                                    more={"zookeeper.session.timeout.ms": 2000})
            if kind == "kafka":
                servers.await_session_end(connect)
            with broker:
                visit = Visit(broker)
                if turn == 0:
                    visit.run("kafka-topics", "--create", "--topic", "held", "--config",
                              "segment.bytes=20000")
                else:
                    ends, committed = visit.end_and_committed("held", "keepers")
                    assert ends == f"held:0:{turn * 500}", f"turn {turn} ({kind}): {ends}"
                    assert committed == str(turn * 500), f"turn {turn} ({kind}): committed {committed}"
                text = lines(f"turn {turn} {kind}")
                visit.produce("held", text)
                written += text
                assert visit.consume("held", 500, "keepers") == text, f"turn {turn}: group"
                everything = visit.consume("held", (turn + 1) * 500, f"all-{turn}")
                assert everything == written, f"turn {turn}: records changed"
                broker.kill()
    return f"{len(turns)} turns over one directory, records, offsets and groups whole"


SCENARIOS = [handover]
