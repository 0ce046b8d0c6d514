import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

import java.time.Duration;
import java.util.*;

/**
 * Copies topic IN to the same partitions of OUT in transactions, with the offsets of GROUP in them,
 * until it is told to end; one transaction of ten is aborted and done again. After any error it
 * starts anew, as a program that is supervised would.
 *
 * <p>Copier BOOTSTRAP IN OUT GROUP TRANSACTIONAL_ID
 */
public class Copier {
    static volatile boolean ending;
    static final Random random = new Random();

    static Map<String, Object> consumer(String servers, String group) {
        Map<String, Object> p = new HashMap<>();
        p.put("bootstrap.servers", servers);
        p.put("group.id", group);
        p.put("isolation.level", "read_committed");
        p.put("enable.auto.commit", false);
        p.put("auto.offset.reset", "earliest");
        p.put("session.timeout.ms", 3000);
        p.put("heartbeat.interval.ms", 500);
        p.put("max.poll.records", 100);
        p.put("reconnect.backoff.max.ms", 200);
        return p;
    }

    static Map<String, Object> producer(String servers, String id) {
        Map<String, Object> p = new HashMap<>();
        p.put("bootstrap.servers", servers);
        p.put("transactional.id", id);
        p.put("transaction.timeout.ms", 10_000);
        p.put("linger.ms", 2);
        p.put("reconnect.backoff.max.ms", 200);
        return p;
    }

    /** One transaction; false when it was aborted on purpose. */
    static boolean copy(
            KafkaProducer<byte[], byte[]> p,
            KafkaConsumer<byte[], byte[]> c,
            ConsumerRecords<byte[], byte[]> records,
            String out) {
        Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
        p.beginTransaction();
        for (ConsumerRecord<byte[], byte[]> r : records) {
            p.send(new ProducerRecord<>(out, r.partition(), r.key(), r.value()));
            offsets.put(
                    new TopicPartition(r.topic(), r.partition()),
                    new OffsetAndMetadata(r.offset() + 1));
        }
        p.sendOffsetsToTransaction(offsets, c.groupMetadata());
        if (random.nextInt(10) == 0) {
            p.abortTransaction();
            return false;
        }
        p.commitTransaction();
        return true;
    }

    static void run(String servers, String in, String out, String group, String id) {
        try (KafkaProducer<byte[], byte[]> p =
                        new KafkaProducer<>(
                                producer(servers, id),
                                new ByteArraySerializer(),
                                new ByteArraySerializer());
                KafkaConsumer<byte[], byte[]> c =
                        new KafkaConsumer<>(
                                consumer(servers, group),
                                new ByteArrayDeserializer(),
                                new ByteArrayDeserializer())) {
            p.initTransactions();
            c.subscribe(List.of(in));
            while (!ending) {
                ConsumerRecords<byte[], byte[]> records = c.poll(Duration.ofMillis(100));
                if (records.isEmpty() || copy(p, c, records, out)) continue;
                for (TopicPartition tp : records.partitions())
                    c.seek(tp, records.records(tp).get(0).offset());
            }
        }
    }

    public static void main(String[] args) throws Exception {
        Thread main = Thread.currentThread();
        Runtime.getRuntime()
                .addShutdownHook(
                        new Thread(
                                () -> {
                                    ending = true;
                                    try {
                                        main.join(20_000);
                                    } catch (InterruptedException never) {
                                        throw new AssertionError(never);
                                    }
                                }));
        while (!ending) {
            try {
                run(args[0], args[1], args[2], args[3], args[4]);
            } catch (KafkaException again) {
                System.err.println("again after " + again);
            }
        }
    }
}
