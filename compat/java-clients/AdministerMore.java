import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

import java.util.*;

/**
 * Since 2.8: partitions, records, groups, offsets and incremental configs. Run after Basic, whose
 * topic and group it uses.
 */
public class AdministerMore {
    public static void main(String[] args) throws Exception {
        String topic = args[1], group = topic + "-group";
        TopicPartition p0 = new TopicPartition(topic, 0);
        try (Admin admin = Admin.create(Basic.with("bootstrap.servers", args[0]))) {
            long end =
                    admin.listOffsets(Map.of(p0, OffsetSpec.latest())).all().get().get(p0).offset();
            long start =
                    admin.listOffsets(Map.of(p0, OffsetSpec.earliest()))
                            .all()
                            .get()
                            .get(p0)
                            .offset();
            Basic.check(end > start, "offsets " + start + " to " + end);
            Basic.check(
                    admin.listConsumerGroups().all().get().stream()
                            .anyMatch(g -> g.groupId().equals(group)),
                    "group is listed");
            String state =
                    admin.describeConsumerGroups(List.of(group))
                            .all()
                            .get()
                            .get(group)
                            .state()
                            .toString();
            Basic.check(state.equals("Empty"), "group is " + state);
            Basic.check(
                    admin.listConsumerGroupOffsets(group)
                                    .partitionsToOffsetAndMetadata()
                                    .get()
                                    .get(p0)
                                    .offset()
                            == end,
                    "committed is " + end);
            admin.alterConsumerGroupOffsets(group, Map.of(p0, new OffsetAndMetadata(1)))
                    .all()
                    .get();
            Basic.check(
                    admin.listConsumerGroupOffsets(group)
                                    .partitionsToOffsetAndMetadata()
                                    .get()
                                    .get(p0)
                                    .offset()
                            == 1,
                    "committed is now 1");
            long low =
                    admin.deleteRecords(Map.of(p0, RecordsToDelete.beforeOffset(2)))
                            .lowWatermarks()
                            .get(p0)
                            .get()
                            .lowWatermark();
            Basic.check(low == 2, "low watermark " + low);
            ConfigResource r = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            admin.incrementalAlterConfigs(
                            Map.of(
                                    r,
                                    List.of(
                                            new AlterConfigOp(
                                                    new ConfigEntry("retention.ms", "12345678"),
                                                    AlterConfigOp.OpType.SET))))
                    .all()
                    .get();
            String ms = "";
            for (int i = 0; i < 50 && !ms.equals("12345678"); i++, Thread.sleep(100))
                ms =
                        admin.describeConfigs(List.of(r))
                                .all()
                                .get()
                                .get(r)
                                .get("retention.ms")
                                .value();
            Basic.check(ms.equals("12345678"), "retention.ms " + ms);
            int more = 7; // above any num.partitions a test is likely to set
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(more))).all().get();
            Basic.check(
                    !admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).isEmpty(),
                    "log dirs of broker 1");
            admin.deleteConsumerGroups(List.of(group)).all().get();
            System.out.println("ok partitions added, group deleted");
        }
    }
}
