import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

import java.util.*;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Since 0.9: auto-created topic, every codec, two members sharing partitions, commit, and a resume
 * that repeats nothing.
 */
public class Basic {
    static Properties with(String... pairs) {
        Properties p = new Properties();
        for (int i = 0; i < pairs.length; i += 2) p.put(pairs[i], pairs[i + 1]);
        return p;
    }

    static KafkaConsumer<String, String> member(String servers, String group) {
        return new KafkaConsumer<>(
                with(
                        "bootstrap.servers",
                        servers,
                        "group.id",
                        group,
                        "auto.offset.reset",
                        "earliest",
                        "enable.auto.commit",
                        "false",
                        "session.timeout.ms",
                        "6000",
                        "heartbeat.interval.ms",
                        "500",
                        "metadata.max.age.ms",
                        "1000"),
                new StringDeserializer(),
                new StringDeserializer());
    }

    static void check(boolean ok, String what) {
        if (!ok) throw new AssertionError(what);
        if (what != null) System.out.println("ok " + what);
    }

    public static void main(String[] args) throws Exception {
        String servers = args[0], topic = args[1];
        List<String> codecs = new ArrayList<>(List.of("none", "gzip", "snappy", "lz4"));
        if (args.length > 2 && args[2].equals("zstd")) codecs.add("zstd");
        int sent = 0;
        for (String codec : codecs)
            try (KafkaProducer<String, String> producer =
                    new KafkaProducer<>(
                            with(
                                    "bootstrap.servers",
                                    servers,
                                    "acks",
                                    "all",
                                    "compression.type",
                                    codec,
                                    "linger.ms",
                                    "5",
                                    "retries",
                                    "5"),
                            new StringSerializer(),
                            new StringSerializer())) {
                List<java.util.concurrent.Future<RecordMetadata>> acks = new ArrayList<>();
                for (int i = 0; i < 100; i++)
                    acks.add(
                            producer.send(
                                    new ProducerRecord<>(
                                            topic, codec + i, "value " + codec + " " + i)));
                for (java.util.concurrent.Future<RecordMetadata> ack : acks)
                    if (ack.get().offset() < 0) throw new AssertionError("no offset");
                sent += 100;
            }
        Set<String> seen = Collections.synchronizedSet(new HashSet<>());
        AtomicInteger twice = new AtomicInteger();
        int total = sent;
        List<Thread> members = new ArrayList<>();
        List<Throwable> faults = Collections.synchronizedList(new ArrayList<>());
        for (int m = 0; m < 2; m++) {
            Thread t =
                    new Thread(
                            () -> {
                                try (KafkaConsumer<String, String> c =
                                        member(servers, topic + "-group")) {
                                    c.subscribe(List.of(topic));
                                    long end = System.currentTimeMillis() + 30000;
                                    while (seen.size() < total
                                            && System.currentTimeMillis() < end) {
                                        for (ConsumerRecord<String, String> r : Poll.poll(c, 200))
                                            if (!seen.add(r.key())) twice.incrementAndGet();
                                        c.commitSync();
                                    }
                                } catch (Throwable fault) {
                                    faults.add(fault);
                                }
                            });
            t.start();
            members.add(t);
        }
        for (Thread t : members) t.join();
        if (!faults.isEmpty()) throw new AssertionError(faults.get(0));
        check(
                seen.size() == total && twice.get() == 0,
                "two members read " + seen.size() + " of " + total + ", " + twice + " twice");
        try (KafkaConsumer<String, String> c = member(servers, topic + "-group")) {
            c.subscribe(List.of(topic));
            int again = 0;
            long end = System.currentTimeMillis() + 20_000;
            while (c.assignment().isEmpty() && System.currentTimeMillis() < end)
                again += Poll.poll(c, 100).count();
            again += Poll.poll(c, 500).count();
            check(
                    again == 0 && !c.assignment().isEmpty(),
                    "a new member of the group repeats " + again);
            long sum = 0;
            for (TopicPartition p : c.assignment()) sum += c.position(p);
            check(sum == total, "positions add up to " + sum);
        }
    }
}
