import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

import java.util.*;

/**
 * Since 0.11: consume, transform, produce with offsets in the transaction; an abort; a fenced
 * producer; read_committed.
 */
public class Transactions {
    static KafkaProducer<String, String> producer(String servers, String id) {
        return new KafkaProducer<>(
                Basic.with(
                        "bootstrap.servers",
                        servers,
                        "transactional.id",
                        id,
                        "transaction.timeout.ms",
                        "10000"),
                new StringSerializer(),
                new StringSerializer());
    }

    /** Consumer group metadata (2.5 and later) or the group's name alone (until 3.x). */
    static void sendOffsets(
            KafkaProducer<?, ?> p,
            Map<TopicPartition, OffsetAndMetadata> offsets,
            KafkaConsumer<?, ?> c,
            String group)
            throws Exception {
        try {
            Object metadata = KafkaConsumer.class.getMethod("groupMetadata").invoke(c);
            KafkaProducer.class
                    .getMethod(
                            "sendOffsetsToTransaction",
                            Map.class,
                            Class.forName(
                                    "org.apache.kafka.clients.consumer.ConsumerGroupMetadata"))
                    .invoke(p, offsets, metadata);
        } catch (NoSuchMethodException old) {
            KafkaProducer.class
                    .getMethod("sendOffsetsToTransaction", Map.class, String.class)
                    .invoke(p, offsets, group);
        }
    }

    public static void main(String[] args) throws Exception {
        String servers = args[0],
                in = args[1] + "-in",
                out = args[1] + "-out",
                group = args[1] + "-copier";
        try (KafkaProducer<String, String> p =
                new KafkaProducer<>(
                        Basic.with("bootstrap.servers", servers, "enable.idempotence", "true"),
                        new StringSerializer(),
                        new StringSerializer())) {
            for (int i = 0; i < 50; i++) p.send(new ProducerRecord<>(in, "k" + i, "" + i)).get();
        }
        KafkaProducer<String, String> first = producer(servers, args[1]);
        first.initTransactions();
        try (KafkaConsumer<String, String> c = Basic.member(servers, group)) {
            c.subscribe(List.of(in));
            int copied = 0;
            for (int i = 0; copied < 50 && i < 150; i++) {
                ConsumerRecords<String, String> records = Poll.poll(c, 200);
                if (records.isEmpty()) continue;
                first.beginTransaction();
                Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
                for (ConsumerRecord<String, String> r : records) {
                    first.send(new ProducerRecord<>(out, r.key(), "copy of " + r.value()));
                    offsets.put(
                            new TopicPartition(r.topic(), r.partition()),
                            new OffsetAndMetadata(r.offset() + 1));
                }
                sendOffsets(first, offsets, c, group);
                first.commitTransaction();
                copied += records.count();
            }
            Basic.check(copied == 50, "copied " + copied + " in transactions");
        }
        first.beginTransaction();
        first.send(new ProducerRecord<>(out, "aborted", "never seen")).get();
        first.abortTransaction();
        KafkaProducer<String, String> second = producer(servers, args[1]);
        second.initTransactions();
        String fenced = "nothing";
        try {
            first.beginTransaction();
            first.send(new ProducerRecord<>(out, "zombie", "never seen"));
            first.commitTransaction();
        } catch (KafkaException fault) {
            fenced = fault.getClass().getSimpleName();
        }
        Basic.check(
                fenced.equals("ProducerFencedException")
                        || fenced.equals("InvalidProducerEpochException"),
                "the older producer gets " + fenced);
        second.close();
        first.close();
        for (String level : List.of("read_committed", "read_uncommitted")) {
            Properties p =
                    Basic.with(
                            "bootstrap.servers",
                            servers,
                            "isolation.level",
                            level,
                            "auto.offset.reset",
                            "earliest",
                            "group.id",
                            args[1] + level);
            try (KafkaConsumer<String, String> c =
                    new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer())) {
                c.subscribe(List.of(out));
                int n = 0, wanted = level.equals("read_committed") ? 50 : 51;
                long end = System.currentTimeMillis() + 20_000;
                while (n < wanted && System.currentTimeMillis() < end)
                    n += Poll.poll(c, 200).count();
                n += Poll.poll(c, 500).count(); // nothing may follow
                Basic.check(n == wanted, level + " sees " + n);
            }
        }
    }
}
