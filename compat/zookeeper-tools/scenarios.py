"""The --zookeeper tools of Kafka 2.4.1, as CMAK and old scripts use: they write znodes alone."""

import json
import pathlib

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent
V = kit.V["OLD_TOOLS_VERSION"]


def znodes(scratch):
    lib = kit.jars(f"zookeeper-tools-{V}", HERE / "pom.xml", kafka_version=V)
    broker = kit.broker()
    topic, at = kit.unique("zk-tools"), ("--zookeeper", kit.zookeeper_of(broker))

    def tool(name, *args):
        return kit.run(kit.java(f"{lib}/*", f"kafka.admin.{name}", *args))

    def says(text, *command):
        kit.until(f"{text!r} in {command[0]}", lambda: text in tool(*command), 60)

    describe = ("TopicCommand", "--bootstrap-server", broker.bootstrap, "--describe", "--topic",
                topic)
    tool("TopicCommand", *at, "--create", "--topic", topic, "--partitions", 2,
         "--replication-factor", 1, "--config", "retention.ms=111111")
    kit.until("the topic is there", lambda: topic in tool(
        "TopicCommand", "--bootstrap-server", broker.bootstrap, "--list"), 60)
    says("PartitionCount: 2", *describe)
    says("retention.ms=111111", *describe)
    tool("TopicCommand", *at, "--alter", "--topic", topic, "--partitions", 4)
    says("PartitionCount: 4", *describe)
    tool("ConfigCommand", *at, "--entity-type", "topics", "--entity-name", topic, "--alter",
         "--add-config", "retention.ms=222222")
    says("retention.ms=222222", *describe)
    plan = scratch / "plan.json"
    plan.write_text(json.dumps({"version": 1, "partitions": [
        {"topic": topic, "partition": 0, "replicas": [1]}]}))
    tool("ReassignPartitionsCommand", *at, "--reassignment-json-file", plan, "--execute")
    says("completed successfully", "ReassignPartitionsCommand", *at, "--reassignment-json-file",
         plan, "--verify")
    tool("PreferredReplicaLeaderElectionCommand", *at)
    tool("TopicCommand", *at, "--delete", "--topic", topic)
    kit.until("the topic is deleted", lambda: topic not in tool(
        "TopicCommand", "--bootstrap-server", broker.bootstrap, "--list"), 60)
    return "create, add partitions, configure, reassign, elect, delete"


SCENARIOS = [kit.scenario("znodes", "administration through ZooKeeper alone", znodes, version=V)]
