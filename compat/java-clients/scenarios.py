"""Every line of the Java client from 0.9 to 4.3: produce, consume, group, admin, transactions."""

import functools
import pathlib

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent
POM = HERE / "pom.xml"
FAST = ("0.9.0.1", "2.8.2")


def at_least(version, low):
    return [int(x) for x in version.split(".")] >= [int(x) for x in low.split(".")]


def program(version, main, *args, seconds=120):
    """Runs one of this folder's programs on the client of a version; its "ok" lines."""
    lib = kit.jars(f"java-clients-{version}", POM, kafka_version=version)
    names = ["Basic", "Poll", "Read"]
    names += ["Transactions", "Administer"] if at_least(version, "0.11") else []
    names += ["AdministerMore"] if at_least(version, "2.8") else []
    built = kit.classes(f"java-clients-{version}-classes", lib,
                        *(HERE / f"{name}.java" for name in names))
    command = kit.java(f"{built}:{lib}/*", main, kit.broker().bootstrap, *args)
    said = kit.run(command, seconds, expect="ok ")
    return sum(line.startswith("ok ") for line in said.splitlines())


def basic(version, _scratch):
    topic = kit.unique(f"basic-{version}")
    codecs = ["zstd"] if at_least(version, "2.1") else []
    checks = program(version, "Basic", topic, *codecs)
    if at_least(version, "0.11"):
        checks += program(version, "Administer", topic)
    if at_least(version, "2.8"):
        checks += program(version, "AdministerMore", topic)
    return f"{400 + 100 * len(codecs)} records, {checks} checks"


def transactions(version, _scratch):
    return f"{program(version, 'Transactions', kit.unique(f'tx-{version}'))} checks"


def matrix(_scratch):
    written = {w: kit.unique(f"by-{w}") for w in ("0.9.0.1", "0.10.2.2", "4.3.1")}
    for version, topic in written.items():
        program(version, "Basic", topic)
    readers = ("0.9.0.1", "0.10.2.2", "0.11.0.3", "2.0.1", "4.3.1")
    for version in readers:
        program(version, "Read", 400, *written.values())
    return f"{len(written) * len(readers)} topics of 400 records read whole"


def scenarios():
    for v in kit.V["JAVA_CLIENTS"].split():
        name = v.replace(".", "_")
        yield kit.scenario(f"basic_{name}", "produce, consume, group, admin",
                           functools.partial(basic, v), v in FAST, v)
        if at_least(v, "0.11"):
            yield kit.scenario(f"transactions_{name}", "consume, transform, produce, abort, fence",
                               functools.partial(transactions, v), v == "2.8.2", v)
    yield kit.scenario("matrix", "written by 0.9, 0.10, 4.3; read by 0.9, 0.10, 0.11, 2.0, 4.3",
                       matrix, version="0.9.0.1 to 4.3.1")


SCENARIOS = list(scenarios())
