import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.state.KeyValueStore;

import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.CountDownLatch;

/**
 * Exactly-once word count whose worker is killed without warning and restored from its changelog.
 *
 * <p>java -cp 'kafka-3.9.2-jars/*' WordCount.java BOOTSTRAP NAME STATE_DIR the whole check
 * WordCount.java BOOTSTRAP NAME STATE_DIR work only the worker (started by the check)
 */
class WordCount {
    static Properties of(Object... kv) {
        var p = new Properties();
        for (int i = 0; i < kv.length; i += 2) p.put(kv[i], kv[i + 1]);
        return p;
    }

    static void work(String bootstrap, String name, String dir) throws Exception {
        var words = new StreamsBuilder();
        words.<String, String>stream(name + "-in")
                .flatMapValues(line -> Arrays.asList(line.split(" ")))
                .groupBy((key, word) -> word) // repartition topic
                .count(
                        Materialized.<String, Long, KeyValueStore<Bytes, byte[]>>as(
                                "counts")) // changelog topic
                .toStream()
                .to(name + "-out", Produced.with(Serdes.String(), Serdes.Long()));
        var streams =
                new KafkaStreams(
                        words.build(),
                        of(
                                "application.id",
                                name,
                                "bootstrap.servers",
                                bootstrap,
                                "processing.guarantee",
                                "exactly_once_v2",
                                "state.dir",
                                dir,
                                "commit.interval.ms",
                                "200",
                                "num.stream.threads",
                                2,
                                "replication.factor",
                                -1,
                                "repartition.purge.interval.ms",
                                "1000",
                                "default.key.serde",
                                Serdes.String().getClass(),
                                "default.value.serde",
                                Serdes.String().getClass(),
                                "consumer.session.timeout.ms",
                                6000));
        streams.setStateListener((now, before) -> System.out.println("state " + now));
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
        new CountDownLatch(1).await();
    }

    static Process worker(String... args) throws Exception {
        var java = ProcessHandle.current().info().command().orElse("java");
        var command =
                new ArrayList<>(
                        List.of(
                                java,
                                "-Xmx256m",
                                "-cp",
                                System.getProperty("java.class.path"),
                                System.getProperty("source", "WordCount.java")));
        command.addAll(List.of(args));
        command.add("work");
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(
                        ProcessBuilder.Redirect.appendTo(Path.of(args[2] + ".log").toFile()))
                .start();
    }

    static Map<String, Long> latest(String bootstrap, String topic, Map<String, Long> wanted) {
        var seen = new HashMap<String, Long>();
        long until = System.nanoTime() + 120_000_000_000L;
        try (var consumer =
                new KafkaConsumer<String, Long>(
                        of(
                                "bootstrap.servers",
                                bootstrap,
                                "group.id",
                                "check-" + topic + System.nanoTime(),
                                "isolation.level",
                                "read_committed",
                                "auto.offset.reset",
                                "earliest"),
                        new StringDeserializer(),
                        new LongDeserializer())) {
            consumer.subscribe(List.of(topic));
            while (!seen.equals(wanted) && System.nanoTime() < until)
                for (var r : consumer.poll(Duration.ofMillis(200))) {
                    Long before = seen.put(r.key(), r.value());
                    if (before != null && r.value() < before)
                        throw new AssertionError("count went back: " + r);
                }
        }
        return seen;
    }

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0], name = args[1], dir = args[2];
        if (args.length > 3) {
            work(bootstrap, name, dir);
            return;
        }
        try (var admin = Admin.create(of("bootstrap.servers", bootstrap))) {
            admin.createTopics(
                            List.of(
                                    new NewTopic(name + "-in", 2, (short) -1),
                                    new NewTopic(name + "-out", 2, (short) -1)))
                    .all()
                    .get();
        }
        var wanted = new HashMap<String, Long>();
        Process running = worker(bootstrap, name, dir);
        for (int round = 1; round <= 3; round++) {
            try (var producer =
                    new KafkaProducer<String, String>(
                            of("bootstrap.servers", bootstrap),
                            new StringSerializer(),
                            new StringSerializer())) {
                for (int i = 0; i < 2000; i++) {
                    producer.send(
                            new ProducerRecord<>(name + "-in", "a w" + i % 50 + " r" + round));
                    for (var w : List.of("a", "w" + i % 50, "r" + round))
                        wanted.merge(w, 1L, Long::sum);
                    if (i == 1000
                            && round
                                    > 1) { // in the middle: no shutdown, its transactions stay open
                        producer.flush();
                        running.destroyForcibly().waitFor();
                        if (round == 3)
                            try (var files =
                                    Files.walk(Path.of(dir))) { // and its local state is lost
                                files.sorted(Comparator.reverseOrder())
                                        .forEach(f -> f.toFile().delete());
                            }
                        running = worker(bootstrap, name, dir);
                    }
                }
            }
            long began = System.nanoTime();
            var got = latest(bootstrap, name + "-out", wanted);
            System.out.printf(
                    "round %d: %s after %.1f s%n",
                    round,
                    got.equals(wanted) ? "exact" : "WRONG " + got,
                    (System.nanoTime() - began) / 1e9);
            if (!got.equals(wanted)) {
                running.destroyForcibly();
                System.exit(1);
            }
        }
        running.destroyForcibly();
    }
}
