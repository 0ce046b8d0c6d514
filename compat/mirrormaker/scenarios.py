"""MirrorMaker 2: topics, their configuration and group offsets from one broker to another."""

import pathlib

from compat import kit, paths, tool

HERE = pathlib.Path(__file__).resolve().parent
V = kit.V["KAFKA_VERSION"]
COUNT = 3000


def run(broker, script, *args, **how):
    done = tool.run(script, "--bootstrap-server", broker.bootstrap, *args, **how)
    assert done.code == 0, done
    return done.out


def mirror(scratch):
    lib = kit.jars(f"mirrormaker-{V}", HERE / "pom.xml", kafka_version=V,
                   slf4j_version=kit.V["SLF4J_VERSION"])
    with kit.client_broker("a") as a, kit.client_broker("b") as b:
        for one in (a, b):
            kit.await_metadata(one)
        run(a, "kafka-topics", "--create", "--topic", "mm1", "--partitions", 2, "--config",
            "retention.ms=7654321")
        lines = [f"line {i}" for i in range(COUNT)]
        run(a, "kafka-console-producer", "--topic", "mm1", stdin="\n".join(lines) + "\n")
        run(a, "kafka-console-consumer", "--topic", "mm1", "--group", "mmg", "--from-beginning",
            "--max-messages", COUNT, "--timeout-ms", 30000)
        text = (HERE / "mm2.properties").read_text()
        (scratch / "mm2.properties").write_text(
            text.replace("@A@", a.bootstrap).replace("@B@", b.bootstrap))
        command = kit.java(f"{paths.CACHE / 'log-tool'}:{lib}/*",
                           "org.apache.kafka.connect.mirror.MirrorMaker",
                           scratch / "mm2.properties", heap=512)
        with kit.running(command, scratch / "mm2.log") as child:
            kit.until("the topic is made", lambda: "a.mm1" in run(b, "kafka-topics", "--list"),
                      120, child)
            got = run(b, "kafka-console-consumer", "--topic", "a.mm1", "--from-beginning",
                      "--max-messages", COUNT, "--timeout-ms", 60000).splitlines()
            assert sorted(got) == sorted(lines), f"{len(got)} records of {COUNT}"
            kit.until("its configuration is copied", lambda: "retention.ms=7654321" in run(
                b, "kafka-topics", "--describe", "--topic", "a.mm1"), 60, child)
            kit.until("group offsets are translated",
                      lambda: committed(b, "mmg", "a.mm1") == COUNT, 90, child)
    return f"{COUNT} records, topic configuration, group offsets"


def committed(broker, group, topic):
    """The sum of a group's committed offsets of a topic."""
    out = tool.run("kafka-consumer-groups", "--bootstrap-server", broker.bootstrap, "--describe",
                   "--group", group).out
    rows = [line.split() for line in out.splitlines() if topic in line]
    return sum(int(row[3]) for row in rows if row[3].isdigit())


SCENARIOS = [kit.scenario("mirror", "records, configuration and group offsets to a second broker",
                          mirror, version=V)]
