import java.util.*;

import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.record.*;
import org.apache.kafka.common.serialization.*;

/**
 * Serve BOOTSTRAP: prints all that a broker gives of the logs that Fill wrote: every record in
 * both isolations, offsets by time, ends, producers, a group's offsets.
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
        Map<String, OffsetSpec> asked = new LinkedHashMap<>();
        asked.put("earliest", OffsetSpec.earliest());
        asked.put("largest", OffsetSpec.maxTimestamp());
        List<Long> times = new ArrayList<>(List.of(Fill.FUTURE, Fill.FUTURE + 1100));
        for (long t = -5000; t < 300000; t += 7001) times.add(Fill.PAST + t);
        for (long t = -5; t < 200; t += 13) times.add(Fill.PAST + t);
        for (long t : times) asked.put("" + t, OffsetSpec.forTimestamp(t));
        for (var one : asked.entrySet()) {
            var found = admin.listOffsets(Map.of(at, one.getValue())).partitionResult(at).get();
            System.out.println("time " + at + " " + one.getKey() + " " + found.offset() + " "
                    + found.timestamp());
        }
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
}
