"""Apache Camel: a route that produces, two consumers with a commit a message, a restart."""

import pathlib

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent
V = kit.V["CAMEL_VERSION"]


def route(_scratch):
    lib = kit.jars(f"camel-{V}", HERE / "pom.xml", camel_version=V)
    built = kit.classes(f"camel-{V}-classes", lib, HERE / "Route.java")
    kit.run(kit.java(f"{built}:{lib}/*", "Route", kit.broker().bootstrap, kit.unique("camel")),
            expect="ok 200 messages, each once over a restart")
    return "200 messages, each once over a restart"


SCENARIOS = [kit.scenario("route", "produce, two consumers, manual commits, restart", route,
                          version=V)]
