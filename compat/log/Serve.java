import java.util.*;

import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.*;
import org.apache.kafka.common.serialization.*;

/**
 * Serve BOOTSTRAP PRODUCERS...: prints all that a broker gives of the logs that Fill wrote: every
 * record in both isolations, offsets by time, ends, producers, and what a duplicate is answered.
 */
public class Serve {
    public static void main(String[] args) throws Exception {
        Map<String, Object> common = Map.of("bootstrap.servers", args[0]);
        try (Admin admin = Admin.create(common)) {
            TreeSet<String> topics = new TreeSet<>(admin.listTopics().names().get());
            for (String isolation : List.of("read_uncommitted", "read_committed"))
                records(args[0], isolation, topics);
            for (String topic : topics) {
                TopicPartition at = new TopicPartition(topic, 0);
                times(admin, at);
                ends(admin, at);
                producers(admin, at);
            }
            System.out.println("group " + new TreeMap<>(name(
                    admin.listConsumerGroupOffsets("steady").partitionsToOffsetAndMetadata().get())));
        }
        try (Wire wire = new Wire(args[0])) {
            for (int i = 1; i < args.length; i++) duplicate(wire, Long.parseLong(args[i]));
        }
    }

    static Map<String, OffsetAndMetadata> name(Map<TopicPartition, OffsetAndMetadata> all) {
        Map<String, OffsetAndMetadata> named = new HashMap<>();
        all.forEach((at, offset) -> named.put(at.toString(), offset));
        return named;
    }

    static void records(String servers, String isolation, Set<String> topics) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", servers);
        config.put("isolation.level", isolation);
        config.put("auto.offset.reset", "earliest");
        try (var c = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            for (String topic : topics) {
                TopicPartition at = new TopicPartition(topic, 0);
                c.assign(List.of(at));
                c.seekToBeginning(List.of(at));
                long end = c.endOffsets(List.of(at)).get(at);
                while (c.position(at) < end)
                    for (var r : c.poll(java.time.Duration.ofMillis(100)))
                        System.out.println(isolation + " " + topic + " " + row(r));
                System.out.println(isolation + " " + topic + " ends " + end);
            }
        }
    }

    static String row(ConsumerRecord<String, String> r) {
        StringBuilder headers = new StringBuilder();
        for (Header h : r.headers()) headers.append(h.key()).append(Arrays.toString(h.value()));
        String value = r.topic().startsWith("__") ? "" : r.key() + "=" + r.value();
        return r.offset() + " " + r.timestampType() + " " + r.timestamp() + " " + value + headers;
    }

    static void times(Admin admin, TopicPartition at) throws Exception {
        List<OffsetSpec> asked = new ArrayList<>(List.of(OffsetSpec.earliest(), OffsetSpec.latest(),
                OffsetSpec.maxTimestamp()));
        for (long t = -5000; t < 300000; t += 7001) asked.add(OffsetSpec.forTimestamp(Fill.PAST + t));
        for (long t = -5; t < 200; t += 13) asked.add(OffsetSpec.forTimestamp(Fill.PAST + t));
        asked.add(OffsetSpec.forTimestamp(Fill.FUTURE));
        asked.add(OffsetSpec.forTimestamp(Fill.FUTURE + 1100));
        StringBuilder line = new StringBuilder("times " + at);
        for (OffsetSpec spec : asked) {
            var found = admin.listOffsets(Map.of(at, spec)).partitionResult(at).get();
            line.append(" ").append(found.offset()).append("@").append(found.timestamp());
        }
        System.out.println(line);
    }

    static void ends(Admin admin, TopicPartition at) throws Exception {
        for (var isolation : IsolationLevel.values()) {
            var options = new ListOffsetsOptions(isolation);
            var end = admin.listOffsets(Map.of(at, OffsetSpec.latest()), options);
            System.out.println("end " + at + " " + isolation + " "
                    + end.partitionResult(at).get().offset());
        }
    }

    static void producers(Admin admin, TopicPartition at) throws Exception {
        var state = admin.describeProducers(List.of(at)).partitionResult(at).get();
        TreeSet<String> lines = new TreeSet<>();
        for (ProducerState p : state.activeProducers())
            lines.add(p.producerId() + "/" + p.producerEpoch() + " seq " + p.lastSequence() + " open "
                    + p.currentTransactionStartOffset() + " coordinator " + p.coordinatorEpoch());
        System.out.println("producers " + at + " " + lines);
    }

    /** The last batch of a producer once more, and one that leaves a gap. */
    static void duplicate(Wire wire, long producer) throws Exception {
        List<SimpleRecord> two = List.of(Wire.record(Fill.PAST, "key 1", "again"),
                Wire.record(Fill.PAST, "key 2", "again"));
        for (int sequence : List.of(78, 158, 600)) {
            MemoryRecords batch = Wire.batch(CompressionType.NONE, producer, sequence, two);
            System.out.println("duplicate " + producer + " " + sequence + ": "
                    + wire.produce("idempotent", batch));
        }
    }
}
