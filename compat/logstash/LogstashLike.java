import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;

import java.io.FileReader;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.Future;

/**
 * LogstashLike FOLDER BOOTSTRAP TOPIC COUNT: Logstash's Kafka output, then its input, as the Java
 * client with every setting that the plugin passes, also those equal to the client's defaults.
 */
class LogstashLike {
    static Properties settings(String folder, String name, String bootstrap) throws Exception {
        var p = new Properties();
        try (var file = new FileReader(folder + "/" + name + ".properties")) {
            p.load(file);
        }
        p.put("bootstrap.servers", bootstrap);
        return p;
    }

    public static void main(String[] args) throws Exception {
        String topic = args[2];
        int count = Integer.parseInt(args[3]);
        var output = settings(args[0], "output", args[1]);
        try (var producer = new KafkaProducer<String, String>(output)) {
            // A pipeline worker hands over 125 events, then waits for all of them.
            for (int n = 0; n < count; n += 125) {
                var batch = new ArrayList<Future<RecordMetadata>>();
                for (int i = n; i < Math.min(n + 125, count); i++)
                    batch.add(producer.send(new ProducerRecord<>(topic, "line " + i)));
                for (var sent : batch) sent.get();
            }
        }
        var input = settings(args[0], "input", args[1]);
        input.put("group.id", topic);
        var seen = new BitSet(count);
        int records = 0;
        long committed = 0, until = System.currentTimeMillis() + 60_000;
        try (var consumer = new KafkaConsumer<String, String>(input)) {
            consumer.subscribe(List.of(topic));
            // Until the timer's commit, which no call of this program makes, has covered all.
            while (committed < count && System.currentTimeMillis() < until) {
                for (var r : consumer.poll(Duration.ofMillis(100))) {
                    records++;
                    seen.set(Integer.parseInt(r.value().substring(5)));
                }
                if (records < count) continue;
                committed = 0;
                for (var one :
                        consumer.committed(Set.<TopicPartition>copyOf(consumer.assignment()))
                                .values()) committed += one == null ? 0 : one.offset();
            }
        }
        System.out.printf(
                "sent %d, received %d, distinct %d, committed %d%n",
                count, records, seen.cardinality(), committed);
        System.exit(seen.cardinality() == count && records == count && committed == count ? 0 : 1);
    }
}
