"""Apache Samza: a counting job; its store, emptied by each kill, comes back from the changelog."""

import pathlib

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent
V = kit.V["SAMZA_VERSION"]


def counter(scratch, *coordinator):
    lib = kit.jars(f"samza-{V}", HERE / "pom.xml", samza_version=V)
    built = kit.classes(f"samza-{V}-classes", lib, HERE / "Counter.java")
    store = scratch / "store"

    def command(source, sink):
        job = kit.java(f"{built}:{lib}/*", "Counter", kit.broker().bootstrap, source, sink, store,
                       *coordinator, heap=384,
                       options=[f"-Dlog4j.configuration=file:{HERE / 'log4j.properties'}"])
        return ["sh", "-c", f'rm -rf {store}; exec "$@"', "sh", *job]

    return kit.kill_test("samza", "atLeastOnce", 2, lib, command)


def standalone(scratch):
    return counter(scratch)


def by_zookeeper(scratch):
    return counter(scratch, kit.zookeeper_of(kit.broker()))


SCENARIOS = [
    kit.scenario("passthrough", "changelog-backed store restored, kill -9 twice", standalone,
                 fast=True, version=V),
    kit.scenario("zookeeper", "the same, coordinated by ZooKeeper", by_zookeeper, version=V),
]
