import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.acl.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.quota.*;
import org.apache.kafka.common.resource.*;
import org.apache.kafka.common.serialization.*;

import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.stream.*;

/**
 * Every Admin and Consumer call that the pages of Kafdrop, AKHQ, kafka-ui (kafbat), Redpanda
 * Console and CMAK make, once; prints its outcome, so that two brokers can be compared with diff.
 *
 * <p>UiCalls BOOTSTRAP TOPIC
 */
@SuppressWarnings({"removal", "deprecation"})
class UiCalls {
    static void call(String name, Callable<?> what) {
        String outcome;
        try {
            outcome = String.valueOf(what.call());
        } catch (Exception e) {
            Throwable t = e;
            while (t instanceof ExecutionException && t.getCause() != null) t = t.getCause();
            outcome = t.getClass().getSimpleName() + ": " + t.getMessage();
        }
        System.out.println(name + " -> " + outcome.replaceAll("\\s+", " "));
    }

    public static void main(String[] args) throws Exception {
        String boot = args[0], topic = args[1], group = topic + "-group";
        var tp = new TopicPartition(topic, 0);
        var broker = new ConfigResource(ConfigResource.Type.BROKER, "");
        var topicResource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
        try (var admin = Admin.create(Map.of("bootstrap.servers", boot, "client.id", "ui"))) {
            call(
                    "createTopics",
                    () ->
                            admin.createTopics(
                                                    List.of(
                                                            new NewTopic(topic, 2, (short) -1)
                                                                    .configs(
                                                                            Map.of(
                                                                                    "retention.ms",
                                                                                    "3600000"))))
                                            .config(topic)
                                            .get()
                                            .entries()
                                            .size()
                                    + " configs");
            try (var p =
                    new KafkaProducer<>(
                            Map.of("bootstrap.servers", boot),
                            new StringSerializer(),
                            new StringSerializer())) {
                for (int i = 0; i < 100; i++)
                    p.send(new ProducerRecord<>(topic, i % 2, "k" + i, "v" + i));
            }
            try (var c =
                    new KafkaConsumer<>(
                            Map.of(
                                    "bootstrap.servers",
                                    boot,
                                    "group.id",
                                    group,
                                    "auto.offset.reset",
                                    "earliest",
                                    "enable.auto.commit",
                                    "false"),
                            new StringDeserializer(),
                            new StringDeserializer())) {
                c.subscribe(List.of(topic));
                for (int n = 0, tries = 0; n < 100 && tries < 50; tries++)
                    n += c.poll(Duration.ofMillis(200)).count();
                c.commitSync();
                call(
                        "describeConsumerGroups, stable",
                        () ->
                                admin.describeConsumerGroups(List.of(group))
                                                .all()
                                                .get()
                                                .get(group)
                                                .members()
                                                .size()
                                        + " member");
            }
            try (var c =
                    new KafkaConsumer<>(
                            Map.of("bootstrap.servers", boot),
                            new StringDeserializer(),
                            new StringDeserializer())) { // how UIs browse: assign, seek
                call("listTopics (consumer)", () -> c.listTopics().containsKey(topic));
                call("partitionsFor", () -> c.partitionsFor(topic).size());
                call(
                        "beginning/endOffsets",
                        () ->
                                c.beginningOffsets(List.of(tp)).values()
                                        + " "
                                        + c.endOffsets(List.of(tp)).values());
                call("offsetsForTimes", () -> c.offsetsForTimes(Map.of(tp, 0L)).get(tp).offset());
                c.assign(List.of(tp));
                c.seek(tp, 40);
                call(
                        "poll after seek",
                        () -> {
                            int n = 0;
                            for (int i = 0; i < 20 && n == 0; i++)
                                n = c.poll(Duration.ofMillis(250)).count();
                            return n;
                        });
            }
            call(
                    "describeCluster",
                    () -> {
                        var d =
                                admin.describeCluster(
                                        new DescribeClusterOptions()
                                                .includeAuthorizedOperations(true));
                        return d.nodes().get().size()
                                + " nodes, controller "
                                + (d.controller().get() != null)
                                + ", id length "
                                + d.clusterId().get().length()
                                + ", operations "
                                + (d.authorizedOperations().get() == null
                                        ? null
                                        : d.authorizedOperations().get().size());
                    });
            call("describeFeatures", () -> admin.describeFeatures().featureMetadata().get());
            call("describeMetadataQuorum", () -> admin.describeMetadataQuorum().quorumInfo().get());
            int node = admin.describeCluster().nodes().get().iterator().next().id();
            var one = new ConfigResource(ConfigResource.Type.BROKER, "" + node);
            call(
                    "listTopics",
                    () ->
                            admin.listTopics(new ListTopicsOptions().listInternal(true))
                                    .names()
                                    .get()
                                    .contains(topic));
            call(
                    "describeTopics",
                    () ->
                            admin.describeTopics(
                                            List.of(topic),
                                            new DescribeTopicsOptions()
                                                    .includeAuthorizedOperations(true))
                                    .allTopicNames()
                                    .get()
                                    .get(topic)
                                    .toString()
                                    .replaceAll("topicId=[^,)]*|[\\w.]+:\\d+ \\(id[^)]*\\)", "X")
                                    .replaceAll("authorizedOperations=.*", ""));
            call(
                    "describeConfigs topic, synonyms, docs",
                    () -> {
                        var c =
                                admin.describeConfigs(
                                                List.of(topicResource),
                                                new DescribeConfigsOptions()
                                                        .includeSynonyms(true)
                                                        .includeDocumentation(true))
                                        .all()
                                        .get()
                                        .get(topicResource);
                        return c.entries().size()
                                + " keys, retention "
                                + c.get("retention.ms").synonyms()
                                + ", documented "
                                + c.entries().stream()
                                        .filter(e -> e.documentation() != null)
                                        .count();
                    });
            call(
                    "describeConfigs broker",
                    () -> {
                        var c = admin.describeConfigs(List.of(one)).all().get().get(one);
                        return c.entries().size()
                                + " keys, "
                                + c.get("inter.broker.protocol.version").value()
                                + ", delete "
                                + c.get("delete.topic.enable").value()
                                + ", read only "
                                + c.entries().stream().filter(ConfigEntry::isReadOnly).count()
                                + ", sensitive "
                                + c.entries().stream().filter(ConfigEntry::isSensitive).count();
                    });
            call(
                    "describeConfigs broker default",
                    () ->
                            admin.describeConfigs(List.of(broker))
                                    .all()
                                    .get()
                                    .get(broker)
                                    .entries()
                                    .size());
            call(
                    "describeLogDirs",
                    () ->
                            admin
                                    .describeLogDirs(List.of(node))
                                    .allDescriptions()
                                    .get()
                                    .get(node)
                                    .values()
                                    .stream()
                                    .map(
                                            d ->
                                                    d.replicaInfos().get(tp).offsetLag()
                                                            + " lag, total known "
                                                            + d.totalBytes().isPresent())
                                    .toList());
            call(
                    "listOffsets",
                    () ->
                            Stream.of(
                                            OffsetSpec.earliest(),
                                            OffsetSpec.latest(),
                                            OffsetSpec.forTimestamp(0))
                                    .map(
                                            s -> {
                                                try {
                                                    return admin.listOffsets(Map.of(tp, s))
                                                            .partitionResult(tp)
                                                            .get()
                                                            .offset();
                                                } catch (Exception e) {
                                                    return -99L;
                                                }
                                            })
                                    .toList());
            call(
                    "listOffsets maxTimestamp",
                    () ->
                            admin.listOffsets(Map.of(tp, OffsetSpec.maxTimestamp()))
                                            .partitionResult(tp)
                                            .get()
                                            .offset()
                                    >= 0);
            call(
                    "listOffsets earliestLocal",
                    () ->
                            admin.listOffsets(Map.of(tp, OffsetSpec.earliestLocal()))
                                    .partitionResult(tp)
                                    .get()
                                    .offset());
            call(
                    "listConsumerGroups",
                    () ->
                            admin
                                    .listConsumerGroups(
                                            new ListConsumerGroupsOptions()
                                                    .inStates(
                                                            Set.of(
                                                                    ConsumerGroupState.EMPTY,
                                                                    ConsumerGroupState.STABLE)))
                                    .all()
                                    .get()
                                    .stream()
                                    .filter(g -> g.groupId().equals(group))
                                    .map(g -> g.state().get())
                                    .toList());
            call(
                    "describeConsumerGroups, empty",
                    () ->
                            admin.describeConsumerGroups(
                                            List.of(group),
                                            new DescribeConsumerGroupsOptions()
                                                    .includeAuthorizedOperations(true))
                                    .all()
                                    .get()
                                    .get(group)
                                    .state());
            call(
                    "describeConsumerGroups, unknown",
                    () ->
                            admin.describeConsumerGroups(List.of("no-" + group))
                                    .all()
                                    .get()
                                    .values()
                                    .iterator()
                                    .next()
                                    .state());
            call(
                    "listConsumerGroupOffsets",
                    () ->
                            new TreeMap<>(
                                    Map.of(
                                            0,
                                            admin.listConsumerGroupOffsets(group)
                                                    .partitionsToOffsetAndMetadata()
                                                    .get()
                                                    .get(tp)
                                                    .offset())));
            call(
                    "alterConsumerGroupOffsets",
                    () ->
                            admin.alterConsumerGroupOffsets(
                                            group, Map.of(tp, new OffsetAndMetadata(7)))
                                    .all()
                                    .get());
            call(
                    "deleteConsumerGroupOffsets",
                    () -> admin.deleteConsumerGroupOffsets(group, Set.of(tp)).all().get());
            call(
                    "incrementalAlterConfigs topic",
                    () ->
                            admin.incrementalAlterConfigs(
                                            Map.of(
                                                    topicResource,
                                                    List.of(
                                                            new AlterConfigOp(
                                                                    new ConfigEntry(
                                                                            "retention.ms",
                                                                            "7200000"),
                                                                    AlterConfigOp.OpType.SET))))
                                    .all()
                                    .get());
            call(
                    "incrementalAlterConfigs bad",
                    () ->
                            admin.incrementalAlterConfigs(
                                            Map.of(
                                                    topicResource,
                                                    List.of(
                                                            new AlterConfigOp(
                                                                    new ConfigEntry(
                                                                            "retention.ms", "x"),
                                                                    AlterConfigOp.OpType.SET))))
                                    .all()
                                    .get());
            call(
                    "incrementalAlterConfigs broker",
                    () ->
                            admin.incrementalAlterConfigs(
                                            Map.of(
                                                    one,
                                                    List.of(
                                                            new AlterConfigOp(
                                                                    new ConfigEntry(
                                                                            "log.cleaner.threads",
                                                                            "1"),
                                                                    AlterConfigOp.OpType.SET))))
                                    .all()
                                    .get());
            call(
                    "incrementalAlterConfigs broker back",
                    () ->
                            admin.incrementalAlterConfigs(
                                            Map.of(
                                                    one,
                                                    List.of(
                                                            new AlterConfigOp(
                                                                    new ConfigEntry(
                                                                            "log.cleaner.threads",
                                                                            ""),
                                                                    AlterConfigOp.OpType.DELETE))))
                                    .all()
                                    .get());
            call(
                    "createPartitions",
                    () ->
                            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(3)))
                                    .all()
                                    .get());
            call(
                    "listPartitionReassignments",
                    () -> admin.listPartitionReassignments().reassignments().get());
            call(
                    "alterPartitionReassignments",
                    () ->
                            admin.alterPartitionReassignments(
                                            Map.of(
                                                    tp,
                                                    Optional.of(
                                                            new NewPartitionReassignment(
                                                                    List.of(node)))))
                                    .all()
                                    .get());
            call(
                    "electLeaders",
                    () ->
                            admin.electLeaders(ElectionType.PREFERRED, Set.of(tp))
                                    .partitions()
                                    .get());
            call(
                    "deleteRecords",
                    () ->
                            admin.deleteRecords(Map.of(tp, RecordsToDelete.beforeOffset(10)))
                                    .lowWatermarks()
                                    .get(tp)
                                    .get()
                                    .lowWatermark());
            call(
                    "describeProducers",
                    () ->
                            admin.describeProducers(List.of(tp))
                                    .partitionResult(tp)
                                    .get()
                                    .activeProducers()
                                    .size());
            call("listTransactions", () -> admin.listTransactions().all().get().size() >= 0);
            call("describeAcls", () -> admin.describeAcls(AclBindingFilter.ANY).values().get());
            call(
                    "createAcls",
                    () ->
                            admin.createAcls(
                                            List.of(
                                                    new AclBinding(
                                                            new ResourcePattern(
                                                                    ResourceType.TOPIC,
                                                                    topic,
                                                                    PatternType.LITERAL),
                                                            new AccessControlEntry(
                                                                    "User:x",
                                                                    "*",
                                                                    AclOperation.READ,
                                                                    AclPermissionType.ALLOW))))
                                    .all()
                                    .get());
            call(
                    "describeClientQuotas",
                    () -> admin.describeClientQuotas(ClientQuotaFilter.all()).entities().get());
            call(
                    "describeUserScramCredentials",
                    () -> admin.describeUserScramCredentials().all().get());
            call(
                    "describeReplicaLogDirs",
                    () ->
                            admin.describeReplicaLogDirs(
                                            List.of(new TopicPartitionReplica(topic, 0, node)))
                                    .all()
                                    .get()
                                    .values()
                                    .iterator()
                                    .next()
                                    .getCurrentReplicaOffsetLag());
            call(
                    "deleteConsumerGroups",
                    () -> admin.deleteConsumerGroups(List.of(group)).all().get());
            call("deleteTopics", () -> admin.deleteTopics(List.of(topic)).all().get());
        }
    }
}
