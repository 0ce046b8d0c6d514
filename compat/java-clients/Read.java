import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

import java.util.*;

/**
 * Since 0.9: Read BOOTSTRAP COUNT TOPIC... reads topics that other versions wrote, with no group.
 */
public class Read {
    public static void main(String[] args) throws Exception {
        int wanted = Integer.parseInt(args[1]);
        Properties conf =
                Basic.with(
                        "bootstrap.servers",
                        args[0],
                        "auto.offset.reset",
                        "earliest",
                        "enable.auto.commit",
                        "false",
                        "group.id",
                        "unused");
        for (String topic : Arrays.asList(args).subList(2, args.length)) {
            int seen = 0;
            Set<String> keys = new HashSet<>();
            try (KafkaConsumer<byte[], byte[]> c =
                    new KafkaConsumer<>(
                            conf, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
                List<TopicPartition> all = new ArrayList<>();
                for (PartitionInfo p : c.partitionsFor(topic))
                    all.add(new TopicPartition(topic, p.partition()));
                c.assign(all);
                long end = System.currentTimeMillis() + 20_000;
                while (seen < wanted && System.currentTimeMillis() < end)
                    for (ConsumerRecord<byte[], byte[]> r : Poll.poll(c, 200)) {
                        seen++;
                        String key = new String(r.key()), value = new String(r.value());
                        Basic.check(value.replace(" ", "").equals("value" + key), null);
                        keys.add(key);
                    }
                seen += Poll.poll(c, 500).count(); // nothing may follow
            }
            Basic.check(
                    seen == wanted && keys.size() == wanted,
                    topic + ": " + seen + " records, " + keys.size() + " keys");
        }
    }
}
