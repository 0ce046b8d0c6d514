import java.util.*;
import java.util.concurrent.TimeUnit;

import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.message.ListOffsetsRequestData.*;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.*;
import org.apache.kafka.common.requests.*;

/**
 * Places BOOTSTRAP fill FROM TO TOPICS...: makes those that are not there, and writes numbers.
 * Places BOOTSTRAP told TOPICS...: prints records, or the error instead, and where the logs are;
 * waits for the topics that are named without a `?` until they are led, if they ever are.
 */
public class Places {
    /** What is said before the controller has had its say. */
    static final Set<Errors> UNTOLD = EnumSet.of(Errors.UNKNOWN_TOPIC_OR_PARTITION,
            Errors.NOT_LEADER_OR_FOLLOWER, Errors.LEADER_NOT_AVAILABLE);

    public static void main(String[] args) throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]));
                Wire wire = new Wire(args[0])) {
            if (args[1].equals("fill")) {
                List<String> topics = List.of(args).subList(4, args.length);
                fill(admin, wire, Integer.parseInt(args[2]), Integer.parseInt(args[3]), topics);
                return;
            }
            for (String topic : List.of(args).subList(2, args.length)) {
                boolean waits = !topic.startsWith("?");
                told(wire, new TopicPartition(topic.substring(waits ? 0 : 1), 0), waits);
            }
            places(admin);
        }
    }

    static void fill(Admin admin, Wire wire, int from, int to, List<String> topics)
            throws Exception {
        Set<String> there = admin.listTopics().names().get();
        List<NewTopic> all = new ArrayList<>();
        for (String topic : topics)
            if (!there.contains(topic))
                all.add(new NewTopic(topic, 1, (short) 1).configs(Map.of("segment.bytes", "300")));
        admin.createTopics(all).all().get();
        for (String topic : topics) {
            end(wire, new TopicPartition(topic, 0), true);
            for (int n = from; n < to; n++) {
                var record = Wire.record(Fill.PAST + n, "key " + n, topic);
                var batch = Wire.batch(CompressionType.NONE, -1, -1, List.of(record));
                String got = wire.produce(topic, batch);
                if (!got.equals("" + n)) throw new IllegalStateException(topic + " " + n + " " + got);
            }
        }
    }

    /** The log's end, or the error. */
    static Object end(Wire wire, TopicPartition at, boolean waits) throws Exception {
        long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(40);
        while (true) {
            var partition = new ListOffsetsPartition().setPartitionIndex(at.partition())
                    .setTimestamp(ListOffsetsRequest.LATEST_TIMESTAMP);
            var topic = new ListOffsetsTopic().setName(at.topic()).setPartitions(List.of(partition));
            var builder = ListOffsetsRequest.Builder.forConsumer(
                    true, IsolationLevel.READ_UNCOMMITTED).setTargetTimes(List.of(topic));
            ListOffsetsResponse answer = wire.ask(builder.build((short) 7));
            var one = answer.data().topics().get(0).partitions().get(0);
            Errors error = Errors.forCode(one.errorCode());
            if (error == Errors.NONE) return one.offset();
            if (!waits || !UNTOLD.contains(error) || System.nanoTime() > until) return error;
            Thread.sleep(50);
        }
    }

    static void told(Wire wire, TopicPartition at, boolean waits) throws Exception {
        Object end = end(wire, at, waits);
        long next = 0;
        while (end instanceof Long && next < (long) end) {
            var asked = new FetchRequest.PartitionData(
                    Uuid.ZERO_UUID, next, -1, 1 << 20, Optional.empty());
            FetchResponse answer = wire.ask(FetchRequest.Builder.forConsumer(
                    (short) 12, 100, 1, Map.of(at, asked)).build((short) 12));
            var one = answer.data().responses().get(0).partitions().get(0);
            if (one.errorCode() != 0) {
                System.out.println(at + " read " + next + " " + Errors.forCode(one.errorCode()));
                break;
            }
            for (RecordBatch batch : FetchResponse.recordsOrFail(one).batches())
                for (org.apache.kafka.common.record.Record r : batch)
                    System.out.println(at + " " + r.offset() + " " + r.timestamp() + " epoch "
                            + batch.partitionLeaderEpoch() + " " + text(r.key()) + " "
                            + text(r.value()));
            for (RecordBatch batch : FetchResponse.recordsOrFail(one).batches())
                next = batch.nextOffset();
        }
        System.out.println(at + " ends " + end);
    }

    static String text(java.nio.ByteBuffer bytes) {
        return java.nio.charset.StandardCharsets.UTF_8.decode(bytes).toString();
    }

    static void places(Admin admin) throws Exception {
        TreeSet<String> lines = new TreeSet<>();
        var dirs = admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1);
        dirs.forEach((dir, found) -> {
            if (found.error() != null) lines.add("in " + dir + " " + found.error().getClass());
            found.replicaInfos().forEach((at, replica) -> lines.add(at + " in " + dir + " size "
                    + replica.size() + " lag " + replica.offsetLag() + " future "
                    + replica.isFuture()));
        });
        lines.forEach(System.out::println);
    }
}
