"""Log4j 2's KafkaAppender, Log4j 1's KafkaLog4jAppender and logback's appender: a program logs."""

import functools
import pathlib

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent
LOGGERS = {"log4j2": ["sync", "unsynced", "async"], "log4j1": ["sync", "unsynced"],
           "logback": ["unsynced"]}


def logs(backend, version, _scratch):
    names = {"log4j2": "log4j_version", "log4j1": "kafka_version", "logback": "appender_version"}
    lib = kit.jars(f"log4j-{backend}-{version}", HERE / backend / "pom.xml",
                   **{names[backend]: version})
    built = kit.classes(f"log4j-{backend}-{version}-classes", lib, HERE / "Logs.java")
    options = [f"-Dservers={kit.broker().bootstrap}", f"-Drun={kit.unique(backend)}"]
    command = kit.java(f"{HERE / backend}:{built}:{lib}/*", "Logs", *LOGGERS[backend],
                       options=options)
    said = kit.run(command)
    assert said.count("lines in order") == len(LOGGERS[backend]), said
    return f"{500 * len(LOGGERS[backend])} lines in order"


def scenarios():
    newest = kit.V["LOG4J2_VERSIONS"].split()[-1]
    for v in kit.V["LOG4J2_VERSIONS"].split():
        yield kit.scenario(f"log4j2_{v.replace('.', '_')}", "sync, syncSend=false, behind Async",
                           functools.partial(logs, "log4j2", v), v == newest, v)
    v = kit.V["LOG4J1_APPENDER_VERSION"]
    yield kit.scenario("log4j1", "kafka-log4j-appender, sync and not",
                       functools.partial(logs, "log4j1", v), True, v)
    v = kit.V["LOGBACK_APPENDER_VERSION"]
    yield kit.scenario("logback", "logback-kafka-appender, asynchronous delivery",
                       functools.partial(logs, "logback", v), True, v)


SCENARIOS = list(scenarios())
