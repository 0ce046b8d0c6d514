"""Apache Flink: KafkaSource and KafkaSink killed and restored from checkpoints; SQL tables."""

import functools
import pathlib

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent
QUIET = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]


def libraries(version, connector):
    return kit.jars(f"flink-{version}", HERE / "pom.xml", flink_version=version,
                    connector_version=connector)


def command(version, connector, main, *args):
    lib = libraries(version, connector)
    built = kit.classes(f"flink-{version}-classes", lib, *HERE.glob("*.java"))
    return kit.java(f"{built}:{lib}/*", main, kit.broker().bootstrap, *args, heap=768,
                    options=QUIET)


def copy(version, connector, guarantee, naming, scratch):
    mode = "once" if guarantee == "EXACTLY_ONCE" else "atLeastOnce"
    return kit.kill_test("flink", mode, 2, libraries(version, connector),
                         lambda source, sink: command(version, connector, "Copy", source, sink,
                                                      scratch / "checkpoints", guarantee, *naming))


def sql(version, connector, _scratch):
    kit.run(command(version, connector, "Sql", kit.unique("flink-sql")), 180,
            expect="ok sums kept by upsert-kafka")
    return "100 rows in and out, 5 sums kept as a changelog"


def scenarios():
    for pair in kit.V["FLINK_VERSIONS"].split():
        v, connector = pair.split("/")
        name = v.replace(".", "_")
        kinds = [("at_least_once", "AT_LEAST_ONCE", ()), ("exactly_once", "EXACTLY_ONCE", ())]
        if not v.startswith("1."):
            kinds.append(("pooling", "EXACTLY_ONCE", ("POOLING",)))
        for kind, guarantee, naming in kinds:
            yield kit.scenario(f"{kind}_{name}", "source and sink, kill -9 twice, from checkpoint",
                               functools.partial(copy, v, connector, guarantee, naming),
                               fast=kind == "exactly_once", version=v)
        yield kit.scenario(f"sql_{name}", "kafka and upsert-kafka tables, bounded scans",
                           functools.partial(sql, v, connector), version=v)


SCENARIOS = list(scenarios())
