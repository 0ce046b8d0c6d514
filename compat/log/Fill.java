import java.util.*;
import java.util.concurrent.ExecutionException;

import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.*;
import org.apache.kafka.common.serialization.*;

/**
 * Fill BOOTSTRAP ROUND: writes every kind of log that compaction tells apart, the same bytes in
 * every run. Topics are made in round 1; later rounds supersede part of what earlier ones wrote,
 * with the producers of before, whose ids are given as further arguments.
 */
public class Fill {
    /** In 2023: old; what is written at FUTURE is younger than any lag or retention. */
    static final long PAST = 1_700_000_000_000L, FUTURE = 4_000_000_000_000L;

    static final String[] CODECS = {"none", "gzip", "snappy", "lz4", "zstd"};
    static String servers;
    static int round;
    static Wire wire;

    public static void main(String[] args) throws Exception {
        servers = args[0];
        round = Integer.parseInt(args[1]);
        if (round == 1) topics();
        wire = new Wire(servers);
        for (String codec : CODECS) plain("codec-" + codec, CompressionType.forName(codec));
        plain("deleted", CompressionType.NONE);
        plain("preallocated", CompressionType.NONE);
        tombstones("tombstones-kept");
        tombstones("tombstones-gone");
        headers();
        plain("append-time", CompressionType.NONE);
        lagging("min-lag");
        lagging("expired");
        plain("max-lag", CompressionType.NONE);
        idempotent(args);
        transactions("transactions-kept");
        transactions("transactions-gone");
        if (round == 1) ongoing();
        offsets();
        String refused = wire.produce("codec-none", one(CompressionType.NONE, null));
        System.out.println("keyless " + refused);
        refused = wire.produce("codec-none", one(CompressionType.GZIP, null));
        System.out.println("keyless compressed " + refused);
        wire.close();
    }

    static MemoryRecords one(CompressionType codec, String key) {
        return Wire.batch(codec, -1, -1, List.of(Wire.record(PAST, key, "v")));
    }

    static void topics() throws Exception {
        List<NewTopic> all = new ArrayList<>();
        for (String codec : CODECS) all.add(topic("codec-" + codec));
        all.add(topic("tombstones-kept"));
        all.add(topic("tombstones-gone", "delete.retention.ms", "1"));
        all.add(topic("headers"));
        all.add(topic("append-time", "message.timestamp.type", "LogAppendTime"));
        all.add(topic("min-lag", "min.compaction.lag.ms", "3600000"));
        all.add(topic("max-lag", "max.compaction.lag.ms", "3600000",
                "min.cleanable.dirty.ratio", "1.0"));
        all.add(topic("expired", "cleanup.policy", "compact,delete", "retention.ms", "3600000"));
        all.add(topic("deleted", "cleanup.policy", "delete", "retention.ms", "-1"));
        all.add(topic("preallocated", "preallocate", "true"));
        all.add(topic("idempotent"));
        all.add(topic("transactions-kept"));
        all.add(topic("transactions-gone", "delete.retention.ms", "1"));
        all.add(topic("ongoing"));
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
            admin.createTopics(all).all().get();
        }
    }

    static NewTopic topic(String name, String... more) {
        Map<String, String> configs = new HashMap<>(Map.of("cleanup.policy", "compact",
                "segment.bytes", "1500", "index.interval.bytes", "200",
                "min.cleanable.dirty.ratio", "0.0", "file.delete.delay.ms", "0"));
        for (int i = 0; i < more.length; i += 2) configs.put(more[i], more[i + 1]);
        return new NewTopic(name, 1, (short) 1).configs(configs);
    }

    static void send(String topic, MemoryRecords batch) throws Exception {
        Long.parseLong(wire.produce(topic, batch)); // or it tells the error
    }

    /** Batches of one to six records over thirteen keys, times that mostly rise. */
    static void plain(String topic, CompressionType codec) throws Exception {
        Random random = new Random(7 * round);
        for (int batch = 0; batch < 60; batch++) {
            List<SimpleRecord> records = new ArrayList<>();
            for (int i = random.nextInt(6); i >= 0; i--) {
                int key = random.nextInt(13);
                long time = PAST + (round * 100L + batch) * 1000 - random.nextInt(3000);
                String value = "value " + round + " " + batch + " " + i + "x".repeat(key * 3);
                records.add(Wire.record(time, "key " + key, value));
            }
            send(topic, Wire.batch(codec, -1, -1, records));
        }
    }

    static void tombstones(String topic) throws Exception {
        Random random = new Random(11 * round);
        for (int batch = 0; batch < 80; batch++) {
            List<SimpleRecord> records = new ArrayList<>();
            for (int i = random.nextInt(3); i >= 0; i--) {
                int key = random.nextInt(60);
                String value = random.nextInt(3) == 0 ? null : "value " + batch + " " + i;
                records.add(Wire.record(PAST + batch * 1000L + i, "key " + key, value));
            }
            send(topic, Wire.batch(CompressionType.NONE, -1, -1, records));
        }
    }

    static void headers() throws Exception {
        for (int i = 0; i < 120; i++) {
            SimpleRecord a = Wire.record(PAST + i, "key " + i % 50, "value " + i,
                    new RecordHeader("n", Wire.bytes("" + i)), new RecordHeader("null", null));
            SimpleRecord b = Wire.record(PAST + i, "other " + i % 7, "",
                    new RecordHeader("", new byte[0]), new RecordHeader("", new byte[] {0, -1}));
            CompressionType codec = i % 2 == 0 ? CompressionType.NONE : CompressionType.LZ4;
            send("headers", Wire.batch(codec, -1, -1, List.of(a, b)));
        }
    }

    /** First old records, then young ones. */
    static void lagging(String topic) throws Exception {
        for (int i = 0; i < 120; i++) {
            long time = (i < 60 ? PAST : FUTURE) + round * 1000 + i;
            String key = topic.equals("expired") && i < 60 ? "old " + i : "key " + i % 9;
            SimpleRecord record = Wire.record(time, key, "value " + round + " " + i);
            send(topic, Wire.batch(CompressionType.NONE, -1, -1, List.of(record)));
        }
    }

    /**
     * Three producers, of which all records but the last few are superseded by the third. A
     * producer is forgotten a day after its last timestamp: these are young.
     */
    static void idempotent(String[] args) throws Exception {
        long[] ids = new long[3];
        for (int i = 0; i < 3; i++)
            ids[i] = round == 1 ? wire.producerId() : Long.parseLong(args[2 + i]);
        int[] sequence = new int[3];
        Arrays.fill(sequence, round == 1 ? 0 : 80);
        for (int turn = 0; turn < 3; turn++)
            for (int i = 0; i < 40; i++) {
                SimpleRecord a = Wire.record(FUTURE + i, "key " + i % 10, "by " + turn + " " + i);
                SimpleRecord b = Wire.record(FUTURE + i, "key " + (i + 5) % 10, "b " + turn);
                send("idempotent", Wire.batch(CompressionType.NONE, ids[turn], sequence[turn],
                        List.of(a, b)));
                sequence[turn] += 2;
            }
        System.out.println("producers " + ids[0] + " " + ids[1] + " " + ids[2]);
    }

    static KafkaProducer<String, String> transactional(String id) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", servers);
        config.put("transactional.id", id);
        config.put("transaction.timeout.ms", 900000);
        config.put("linger.ms", 60000);
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    /** Two producers in turn; every third transaction is aborted, one is empty. */
    static void transactions(String topic) throws Exception {
        try (var a = transactional(topic + "-a"); var b = transactional(topic + "-b");
                Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
            a.initTransactions();
            b.initTransactions();
            for (int i = 0; i < 30; i++) {
                a.beginTransaction();
                b.beginTransaction();
                for (int part = 0; part < 2; part++) {
                    write(a, topic, i, part, "a");
                    write(b, topic, i, part, "b");
                }
                finish(a, i % 3 == 0);
                awaitOpen(admin, topic, 1);
                finish(b, i % 4 == 0);
                awaitOpen(admin, topic, 0);
            }
        }
    }

    /** Markers are written after the producer was answered: in which order must not be chance. */
    static void awaitOpen(Admin admin, String topic, long count) throws Exception {
        TopicPartition at = new TopicPartition(topic, 0);
        while (true) {
            var state = admin.describeProducers(List.of(at)).partitionResult(at).get();
            if (state.activeProducers().stream()
                    .filter(p -> p.currentTransactionStartOffset().isPresent()).count() == count)
                break;
        }
        // Of two markers of one millisecond the first is the one with the largest time, of two
        // milliseconds the second: the next marker must be of another one.
        long written = System.currentTimeMillis();
        while (System.currentTimeMillis() == written) Thread.onSpinWait();
    }

    static void write(KafkaProducer<String, String> to, String topic, int i, int part, String by) {
        for (int n = 0; n < 2; n++)
            to.send(new ProducerRecord<>(topic, 0, PAST + i * 1000L + n, "key " + (i + n) % 8,
                    by + " " + round + " " + i + " " + part));
        to.flush();
    }

    static void finish(KafkaProducer<String, String> producer, boolean abort) {
        if (abort) producer.abortTransaction();
        else producer.commitTransaction();
    }

    /** A transaction that stays open in the middle of others' records. */
    static void ongoing() throws Exception {
        plain("ongoing", CompressionType.NONE);
        var open = transactional("ongoing-open");
        open.initTransactions();
        open.beginTransaction();
        var place = open.send(new ProducerRecord<>("ongoing", 0, PAST, "key 1", "undecided"));
        open.flush();
        System.out.println("ongoing " + place.get().offset());
        plain("ongoing", CompressionType.NONE);
        // The process ends without deciding; the broker would after fifteen minutes.
    }

    /** Offsets of a group without members, again and again, and a group that is dropped. */
    static void offsets() throws Exception {
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", servers))) {
            for (int i = 0; i < 40; i++) {
                // One at a time: a broker may write those of one request in any order.
                var at = new OffsetAndMetadata(i, "round " + round);
                commit(admin, "steady", "codec-none", at);
                if (i % 2 == 0) commit(admin, "steady", "headers", at);
                if (i == 10) commit(admin, "dropped", "codec-none", at);
            }
            admin.deleteConsumerGroups(List.of("dropped")).all().get();
        }
    }

    static void commit(Admin admin, String group, String topic, OffsetAndMetadata at)
            throws Exception {
        var offsets = Map.of(new TopicPartition(topic, 0), at);
        admin.alterConsumerGroupOffsets(group, offsets).all().get();
    }
}
