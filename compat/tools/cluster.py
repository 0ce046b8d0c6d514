"""Tools that ask for the cluster: api versions, cluster, features, log dirs, transactions, …"""

import json

import lab
from compat import servers
from compat.result import require_equal

BOOT = ("--bootstrap-server", "{B}")


def versions_and_features(scratch):
    """kafka-broker-api-versions, kafka-cluster, kafka-features; 3.9 and 4.3"""
    p = lab.fresh_pair(scratch)
    # Kafka 3.9 lists the two APIs of KIP-848 in ZooKeeper mode and refuses them; Ottla has them.
    new_groups = [(r"(ConsumerGroup(?:Heartbeat|Describe)\(\d+\)): 0.*", r"\1: differs")]
    for kafka in ("k39", "k4"):
        _, tested = p.run("kafka-broker-api-versions", *BOOT, kafka=kafka, expect="Produce(0)",
                          rules=new_groups)
        if servers.under_test() == "ottla":
            assert "ConsumerGroupHeartbeat(68): 0 to 1 " in tested.out, tested.out
        p.run("kafka-cluster", "cluster-id", *BOOT, kafka=kafka, expect="Cluster ID")
        p.run("kafka-features", *BOOT, "describe", kafka=kafka)
    p.run("kafka-cluster", "unregister", *BOOT, "--id", 9)
    p.run("kafka-cluster", "list-endpoints", *BOOT, kafka="k4")
    p.run("kafka-features", *BOOT, "upgrade", "--metadata", "3.9")
    return require_equal(p)


def log_dirs(scratch):
    """kafka-log-dirs describes the directories"""
    p = lab.fresh_pair(scratch)
    p.run("kafka-topics", *BOOT, "--create", "--topic", "dirs", "--partitions", 2)
    p.run("kafka-console-producer", *BOOT, "--topic", "dirs", "--property",
          "parse.key=true", "--property", "key.separator=:", stdin="k:a\nk:b\n")
    rules = [(r'"size":\d+', '"size":N')]
    for kafka in ("k39", "k4"):
        ran = p.run("kafka-log-dirs", *BOOT, "--describe", "--topic-list", "dirs", kafka=kafka,
                    rules=rules + [(r"(?m)^\{.*", "JSON")])
        told = [json.loads(done.out.splitlines()[-1]) for done in ran]
        for one, broker in zip(told, p.brokers):
            one["brokers"][0]["logDirs"][0]["logDir"] = "LOGDIR"
            one["brokers"][0]["logDirs"][0]["partitions"].sort(key=lambda x: x["partition"])
        p.compare("kafka-log-dirs", *(json.dumps(one, indent=1) for one in told))
    p.run("kafka-log-dirs", *BOOT, "--describe", "--broker-list", "7")
    return require_equal(p)


def elections_and_reassignments(scratch):
    """kafka-leader-election and kafka-reassign-partitions on one broker"""
    p = lab.fresh_pair(scratch)
    p.run("kafka-topics", *BOOT, "--create", "--topic", "moved")
    p.run("kafka-leader-election", *BOOT, "--election-type", "preferred", "--topic", "moved",
          "--partition", 0)
    p.run("kafka-leader-election", *BOOT, "--election-type", "unclean", "--topic", "moved",
          "--partition", 0)
    file = scratch / "plan.json"
    plan = {"version": 1, "partitions": [{"topic": "moved", "partition": 0, "replicas": [1]}]}
    file.write_text(json.dumps(plan))
    p.run("kafka-reassign-partitions", *BOOT, "--list")
    p.run("kafka-reassign-partitions", *BOOT, "--reassignment-json-file", file, "--execute")
    p.run("kafka-reassign-partitions", *BOOT, "--reassignment-json-file", file, "--verify")
    return require_equal(p)


def producers(scratch):
    """kafka-transactions describes the producers of a partition"""
    p = lab.fresh_pair(scratch)
    p.run("kafka-topics", *BOOT, "--create", "--topic", "produced")
    p.run("kafka-console-producer", *BOOT, "--topic", "produced", stdin="a\n")
    p.run("kafka-transactions", *BOOT, "describe-producers", "--topic", "produced", "--partition",
          0, rules=[(r"(?m)^\d+ +", "N ")], expect="ProducerId")
    p.run("kafka-transactions", *BOOT, "list")
    return require_equal(p)


SCENARIOS = [versions_and_features, log_dirs, elections_and_reassignments, producers]
