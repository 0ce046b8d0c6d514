"""kafka-configs: topics, brokers, broker defaults, broker loggers, and their refusals."""

import lab
from compat.result import require_equal

BOOT = ("--bootstrap-server", "{B}")


def configs(p, *args, **how):
    return p.run("kafka-configs", *BOOT, *args, **how)


def topics(scratch):
    """kafka-configs on topics: alter, describe, describe --all, delete, refusals"""
    p = lab.fresh_pair(scratch)
    p.run("kafka-topics", *BOOT, "--create", "--topic", "cfg")
    entity = ("--entity-type", "topics", "--entity-name", "cfg")
    configs(p, "--alter", *entity, "--add-config", "retention.ms=5000,cleanup.policy=[compact,delete]")
    for kafka in ("k39", "k4"):
        configs(p, "--describe", *entity, kafka=kafka, order=False, expect="retention.ms=5000")
    configs(p, "--describe", *entity, "--all", order=False, expect="segment.bytes")
    configs(p, "--describe", "--entity-type", "topics", order=False)
    configs(p, "--alter", *entity, "--delete-config", "retention.ms")
    configs(p, "--alter", *entity, "--delete-config", "retention.ms")
    configs(p, "--describe", *entity, order=False)
    configs(p, "--alter", *entity, "--add-config", "no.such.key=1")
    configs(p, "--alter", *entity, "--add-config", "retention.ms=abc")
    configs(p, "--alter", *entity, "--add-config", "min.insync.replicas=0")
    configs(p, "--describe", "--topic", "absent")
    return require_equal(p)


# Where metadata is kept: in another root of ZooKeeper, or embedded.
STORE = [(r"/oracle\b|/tested\b", "/X"), (r"(?m)^( *zookeeper\.connect)=.*", r"\1=STORE")]


def brokers(scratch):
    """kafka-configs on one broker and on the default of all"""
    p = lab.fresh_pair(scratch)
    one = ("--entity-type", "brokers", "--entity-name", "1")
    default = ("--entity-type", "brokers", "--entity-default")
    configs(p, "--alter", *one, "--add-config", "log.cleaner.threads=2")
    configs(p, "--alter", *default, "--add-config", "log.retention.ms=123456")
    for kafka in ("k39", "k4"):
        configs(p, "--describe", *one, kafka=kafka, order=False, expect="log.cleaner.threads=2")
        configs(p, "--describe", *default, kafka=kafka, order=False, expect="123456")
    configs(p, "--describe", *one, "--all", order=False, rules=STORE, expect="num.io.threads")
    configs(p, "--describe", "--entity-type", "brokers", order=False)
    configs(p, "--alter", *one, "--add-config", "broker.rack=x", expect="Cannot update")
    configs(p, "--alter", *one, "--add-config", "log.cleaner.threads=abc")
    configs(p, "--alter", *default, "--add-config", "listeners=PLAINTEXT://:1")
    configs(p, "--alter", *one, "--delete-config", "log.cleaner.threads")
    configs(p, "--alter", *default, "--delete-config", "log.retention.ms")
    configs(p, "--describe", *one, order=False)
    return require_equal(p)


def loggers(scratch):
    """kafka-configs on broker loggers"""
    p = lab.fresh_pair(scratch)
    entity = ("--entity-type", "broker-loggers", "--entity-name", "1")
    # The names of a broker's loggers are its own; those set are in every broker's answer.
    configs(p, "--alter", *entity, "--add-config", "kafka.server.KafkaApis=DEBUG")
    for done in configs(p, "--describe", *entity, rules=[(r"(?s).*", "")]):
        assert "kafka.server.KafkaApis=DEBUG" in done.out, done
    configs(p, "--alter", *entity, "--add-config", "kafka.server.KafkaApis=LOUD")
    configs(p, "--alter", *entity, "--delete-config", "kafka.server.KafkaApis")
    return require_equal(p)


SCENARIOS = [topics, brokers, loggers]
