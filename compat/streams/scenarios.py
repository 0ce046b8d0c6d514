"""Kafka Streams, exactly_once_v2: a word count whose worker is killed and loses its state."""

import pathlib

from compat import kit, paths

HERE = pathlib.Path(__file__).resolve().parent
V = kit.V["KAFKA_VERSION"]


def word_count(scratch):
    lib = kit.jars(f"streams-{V}", HERE / "pom.xml", kafka_version=V,
                   slf4j_version=kit.V["SLF4J_VERSION"])
    built = kit.classes(f"streams-{V}-classes", lib, HERE / "WordCount.java")
    path = f"{paths.CACHE / 'log-tool'}:{built}:{lib}/*"
    said = kit.run(kit.java(path, "WordCount", kit.broker().bootstrap, kit.unique("words"),
                            scratch / "state", options=["-Dsource=WordCount"]), 300,
                   expect="round 3: exact")
    assert said.count(": exact") == 3, said
    return "3 rounds of 2000 lines exact, killed in two, state lost in one"


SCENARIOS = [kit.scenario("word_count", "exactly_once_v2 over kill -9 and lost state", word_count,
                          version=V)]
