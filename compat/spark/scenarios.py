"""Apache Spark: batch, Structured Streaming over kill -9 from Java and Python, DStreams resumed from
Kafka's offsets."""

import functools
import pathlib

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent
OPTIONS = ["--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
           f"-Dlog4j2.configurationFile={HERE / 'log4j2.xml'}"]


def command(version, main, *args):
    lib = kit.jars(f"spark-{version}", HERE / "pom.xml", spark_version=version)
    built = kit.classes(f"spark-{version}-classes", lib, *HERE.glob("*.java"))
    return kit.java(f"{built}:{lib}/*", main, kit.broker().bootstrap, *args, heap=768,
                    options=OPTIONS)


def batch(version, _scratch):
    said = kit.run(command(version, "Batch", kit.unique("spark")), 180, expect="ok by pattern")
    return f"{said.count('ok ')} checks over 1000 records"


def stream(version, scratch):
    lib = kit.jars(f"spark-{version}", HERE / "pom.xml", spark_version=version)
    return kit.kill_test("spark", "atLeastOnce", 1, lib, lambda source, sink: command(
        version, "Stream", source, sink, scratch / "checkpoint"))


def pyspark(scratch):
    version = kit.V["PYSPARK_VERSION"]
    python = kit.python(f"pyspark-{version}", "setuptools<81", f"pyspark=={version}")
    jars = kit.jars(f"pyspark-{version}-jars", HERE / "pyspark.xml", spark_version=version)
    judge = kit.jars(f"spark-{version}", HERE / "pom.xml", spark_version=version)
    return kit.kill_test("pyspark", "atLeastOnce", 1, judge, lambda source, sink: [
        python, HERE / "stream.py", kit.broker().bootstrap, source, sink, scratch / "checkpoint",
        jars])


def dstream(version, _scratch):
    run = kit.unique("spark-dstream")
    kit.run(command(version, "Batch", run), 180, expect="ok by pattern")
    for count in (1000, 0):
        kit.run(command(version, "DStream", f"{run}-batch", count, run), 180,
                expect=f"ok dstream saw {count}")
    return "1000 records, none again after the restart"


def scenarios():
    versions = kit.V["SPARK_VERSIONS"].split()
    for v in versions:
        name = v.replace(".", "_")
        yield kit.scenario(f"batch_{name}", "batch write; read by offsets, timestamps, pattern",
                           functools.partial(batch, v), fast=v == versions[0], version=v)
        yield kit.scenario(f"stream_{name}", "Structured Streaming from checkpoint after kill -9",
                           functools.partial(stream, v), fast=v == versions[-1], version=v)
        yield kit.scenario(f"dstream_{name}", "direct stream, resumed from offsets in Kafka",
                           functools.partial(dstream, v), version=v)
    yield kit.scenario("pyspark", "Structured Streaming from Python, the same", pyspark,
                       version=kit.V["PYSPARK_VERSION"])


SCENARIOS = list(scenarios())
