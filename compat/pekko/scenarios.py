"""Pekko connectors: a transactional stream, killed twice, copies each number once."""

import pathlib

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent
V = kit.V["PEKKO_CONNECTORS_VERSION"]


def transactional(_scratch):
    lib = kit.jars(f"pekko-{V}", HERE / "pom.xml", pekko_version=V)
    built = kit.classes(f"pekko-{V}-classes", lib, HERE / "Copy.java")
    return kit.kill_test("pekko", "once", 2, lib, lambda source, sink: kit.java(
        f"{built}:{lib}/*", "Copy", kit.broker().bootstrap, source, sink))


SCENARIOS = [kit.scenario("transactional", "exactly once over kill -9 twice", transactional,
                          version=V)]
