import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;

import java.time.Duration;
import java.util.*;
import java.util.concurrent.Future;

/**
 * The Kafka output, then the Kafka input of Logstash, as properties of the Java client. Every
 * setting that the plugin passes is passed, also those equal to the client's default: "acks=1"
 * given by name switches idempotence off, "session.timeout.ms=10000" is not today's 45000.
 *
 * <p>java -cp 'kafka-clients-4.2.0/*' LogstashLike.java BOOTSTRAP TOPIC COUNT [classic|consumer]
 */
class LogstashLike {
    static Properties of(String... kv) {
        var p = new Properties();
        for (int i = 0; i < kv.length; i += 2) p.put(kv[i], kv[i + 1]);
        return p;
    }

    static final String STRINGS = "org.apache.kafka.common.serialization.String";

    static Properties output(String bootstrap) {
        return of(
                "bootstrap.servers",
                bootstrap,
                "client.id",
                "logstash",
                "acks",
                "1",
                "batch.size",
                "16384",
                "buffer.memory",
                "33554432",
                "compression.type",
                "none",
                "client.dns.lookup",
                "use_all_dns_ips",
                "linger.ms",
                "5" /* 0 before plugin 12 */,
                "max.request.size",
                "1048576",
                "metadata.max.age.ms",
                "300000",
                "receive.buffer.bytes",
                "32768",
                "send.buffer.bytes",
                "131072",
                "reconnect.backoff.ms",
                "50",
                "reconnect.backoff.max.ms",
                "1000",
                "request.timeout.ms",
                "40000",
                "retry.backoff.ms",
                "100",
                "key.serializer",
                STRINGS + "Serializer",
                "value.serializer",
                STRINGS + "Serializer",
                "security.protocol",
                "PLAINTEXT");
    }

    static Properties input(String bootstrap, int thread, String protocol) {
        var p =
                of(
                        "bootstrap.servers",
                        bootstrap,
                        "client.id",
                        "logstash-" + thread,
                        "group.id",
                        "logstash",
                        "group.protocol",
                        protocol,
                        "enable.auto.commit",
                        "true",
                        "auto.commit.interval.ms",
                        "5000",
                        "allow.auto.create.topics",
                        "true",
                        "check.crcs",
                        "true",
                        "client.dns.lookup",
                        "use_all_dns_ips",
                        "connections.max.idle.ms",
                        "540000",
                        "fetch.max.bytes",
                        "52428800",
                        "fetch.max.wait.ms",
                        "500",
                        "max.partition.fetch.bytes",
                        "1048576",
                        "max.poll.records",
                        "500",
                        "max.poll.interval.ms",
                        "300000",
                        "isolation.level",
                        "read_uncommitted",
                        "metadata.max.age.ms",
                        "300000",
                        "request.timeout.ms",
                        "40000",
                        "receive.buffer.bytes",
                        "32768",
                        "send.buffer.bytes",
                        "131072",
                        "reconnect.backoff.ms",
                        "50",
                        "reconnect.backoff.max.ms",
                        "1000",
                        "retry.backoff.ms",
                        "100",
                        "key.deserializer",
                        STRINGS + "Deserializer",
                        "value.deserializer",
                        STRINGS + "Deserializer",
                        "security.protocol",
                        "PLAINTEXT");
        if (protocol.equals("classic"))
            p.putAll(of("session.timeout.ms", "10000", "heartbeat.interval.ms", "3000"));
        p.put(
                "auto.offset.reset",
                "earliest"); // the plugin leaves it unset (latest); a finite check needs earliest
        return p;
    }

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0], topic = args[1];
        int count = Integer.parseInt(args[2]);
        try (var producer = new KafkaProducer<String, String>(output(bootstrap))) {
            for (int n = 0;
                    n < count;
                    n += 125) { // a pipeline worker hands over 125 events, then waits for all
                var batch = new ArrayList<Future<RecordMetadata>>();
                for (int i = n; i < Math.min(n + 125, count); i++)
                    batch.add(producer.send(new ProducerRecord<>(topic, "line " + i)));
                for (var sent : batch) sent.get();
            }
        }
        var seen = new BitSet(count);
        int records = 0;
        long until = System.nanoTime() + Duration.ofSeconds(60).toNanos();
        try (var consumer =
                new KafkaConsumer<String, String>(
                        input(bootstrap, 0, args.length > 3 ? args[3] : "classic"))) {
            consumer.subscribe(List.of(topic));
            while (seen.cardinality() < count && System.nanoTime() < until)
                for (var r : consumer.poll(Duration.ofMillis(100))) {
                    records++;
                    seen.set(Integer.parseInt(r.value().substring(5)));
                }
            for (long end = System.nanoTime() + 6_000_000_000L; System.nanoTime() < end; )
                consumer.poll(
                        Duration.ofMillis(
                                100)); // long enough for an auto commit and two heartbeats
        }
        System.out.printf(
                "sent %d, received %d, distinct %d%n", count, records, seen.cardinality());
        System.exit(seen.cardinality() == count && records == count ? 0 : 1);
    }
}
