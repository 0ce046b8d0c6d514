"""kafka-topics: create, list, describe with its filters, alter, delete, and their refusals."""

import lab
from compat.result import require_equal

BOOT = ("--bootstrap-server", "{B}")


def topics(p, *args, **how):
    return p.run("kafka-topics", *BOOT, *args, **how)


def create_and_describe(scratch):
    """kafka-topics creates, lists and describes topics"""
    p = lab.fresh_pair(scratch)
    topics(p, "--create", "--topic", "plain", expect="Created topic plain.")
    topics(p, "--create", "--topic", "wide", "--partitions", 5, "--config", "retention.ms=100000",
           "--config", "cleanup.policy=compact", expect="Created topic")
    topics(p, "--create", "--topic", "placed", "--replica-assignment", "1,1,1")
    topics(p, "--create", "--topic", "dotted.name_x", expect="WARNING")
    for kafka in ("k39", "k4"):
        topics(p, "--list", kafka=kafka, expect="placed")
        topics(p, "--list", "--exclude-internal", kafka=kafka)
        topics(p, "--describe", kafka=kafka, expect="TopicId", order=False)
        for name in ("plain", "wide", "placed"):
            topics(p, "--describe", "--topic", name, kafka=kafka, expect="Leader: 1")
    topics(p, "--describe", "--topic", "wi.*", expect="wide")
    topics(p, "--create", "--topic", "plain", "--if-not-exists")
    topics(p, "--create", "--topic", "from4", "--partitions", 2, kafka="k4", expect="Created")
    return require_equal(p)


def describe_filters(scratch):
    """kafka-topics --describe with every filter"""
    p = lab.fresh_pair(scratch)
    topics(p, "--create", "--topic", "filtered", "--config", "min.insync.replicas=2")
    for flag in ("--under-replicated-partitions", "--unavailable-partitions",
                 "--under-min-isr-partitions", "--at-min-isr-partitions",
                 "--topics-with-overrides"):
        topics(p, "--describe", flag, "--topic", "filtered")
    topics(p, "--describe", "--exclude-internal", "--topic", "filtered")
    topics(p, "--describe", "--topic", "absent", rules=[(r"(?m)^\s+at .*$", "")])
    topics(p, "--describe", "--topic", "absent", "--if-exists")
    return require_equal(p)


def alter_and_delete(scratch):
    """kafka-topics adds partitions and deletes topics"""
    p = lab.fresh_pair(scratch)
    topics(p, "--create", "--topic", "grows", "--partitions", 1)
    topics(p, "--alter", "--topic", "grows", "--partitions", 3)
    topics(p, "--describe", "--topic", "grows", expect="Partition: 2")
    topics(p, "--alter", "--topic", "grows", "--partitions", 2, expect="3 partition")
    topics(p, "--alter", "--topic", "grows", "--partitions", 3)
    topics(p, "--alter", "--topic", "grows", "--partitions", 4, "--replica-assignment", "1,1,1,1")
    topics(p, "--alter", "--topic", "absent", "--partitions", 2)
    topics(p, "--delete", "--topic", "grows")
    topics(p, "--delete", "--topic", "grows", "--if-exists")
    topics(p, "--delete", "--topic", "absent", expect="does not exist")
    topics(p, "--list", "--topic", "grows")
    return require_equal(p)


def refusals(scratch):
    """kafka-topics is refused with Kafka's words"""
    p = lab.fresh_pair(scratch)
    topics(p, "--create", "--topic", "taken")
    topics(p, "--create", "--topic", "taken", expect="already exists")
    topics(p, "--create", "--topic", "bad name!", expect="is invalid")
    topics(p, "--create", "--topic", "x" * 250)
    topics(p, "--create", "--topic", "..", expect="is not allowed")
    topics(p, "--create", "--topic", "none", "--partitions", 0)
    topics(p, "--create", "--topic", "many", "--replication-factor", 3, expect="larger than")
    topics(p, "--create", "--topic", "bad-key", "--config", "no.such=1", expect="Unknown topic")
    topics(p, "--create", "--topic", "bad-value", "--config", "retention.ms=abc")
    topics(p, "--create", "--topic", "bad-range", "--config", "min.insync.replicas=0")
    return require_equal(p)


SCENARIOS = [create_and_describe, describe_filters, alter_and_delete, refusals]
