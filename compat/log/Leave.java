import java.time.Duration;
import java.util.*;

import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;

/**
 * Leave BOOTSTRAP make TOPICS...: makes empty topics, and one named `seed` full of transactions.
 * Leave BOOTSTRAP serve TOPICS...: prints what is served of them: records, ends, producers.
 */
public class Leave {
    /** A reader that gets nothing for so long will not get any further. */
    static final Duration STUCK = Duration.ofSeconds(8);

    public static void main(String[] args) throws Exception {
        Fill.servers = args[0];
        Fill.round = 1;
        List<String> topics = List.of(args).subList(2, args.length);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
            if (args[1].equals("make")) {
                make(admin, topics);
                return;
            }
            for (String isolation : List.of("read_uncommitted", "read_committed"))
                records(isolation, topics);
            for (String topic : topics) {
                Serve.ends(admin, new TopicPartition(topic, 0));
                Serve.producers(admin, new TopicPartition(topic, 0));
            }
        }
    }

    static void make(Admin admin, List<String> topics) throws Exception {
        List<NewTopic> all = new ArrayList<>(List.of(Fill.topic("seed")));
        for (String topic : topics) all.add(Fill.topic(topic));
        admin.createTopics(all).all().get();
        Fill.transactions("seed");
        // So that several segments become one.
        var larger = new AlterConfigOp(
                new ConfigEntry("segment.bytes", "6000"), AlterConfigOp.OpType.SET);
        var of = new ConfigResource(ConfigResource.Type.TOPIC, "seed");
        admin.incrementalAlterConfigs(Map.of(of, List.of(larger))).all().get();
    }

    /** All at once; of a log that cannot be read to its end, how far it can. */
    static void records(String isolation, List<String> topics) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", Fill.servers);
        config.put("isolation.level", isolation);
        config.put("auto.offset.reset", "earliest");
        config.put("max.poll.records", 100000);
        Map<TopicPartition, List<String>> rows = new LinkedHashMap<>();
        for (String topic : topics) rows.put(new TopicPartition(topic, 0), new ArrayList<>());
        var text = new StringDeserializer();
        try (var c = new KafkaConsumer<>(config, text, text)) {
            c.assign(rows.keySet());
            c.seekToBeginning(rows.keySet());
            var ends = c.endOffsets(rows.keySet());
            Set<TopicPartition> left = new HashSet<>(rows.keySet());
            long since = System.nanoTime(), before = -1;
            while (!left.isEmpty() && System.nanoTime() - since < STUCK.toNanos()) {
                for (var r : c.poll(Duration.ofMillis(100)))
                    rows.get(new TopicPartition(r.topic(), 0)).add(Serve.row(r));
                left.removeIf(at -> c.position(at) >= ends.get(at));
                long now = left.stream().mapToLong(c::position).sum() - 1000 * left.size();
                if (now != before) since = System.nanoTime();
                before = now;
            }
            rows.forEach((at, of) -> {
                of.forEach(row -> System.out.println(isolation + " " + at.topic() + " " + row));
                System.out.println(isolation + " " + at.topic() + " ends " + ends.get(at)
                        + (left.contains(at) ? " stuck at " + c.position(at) : ""));
            });
        }
    }
}
