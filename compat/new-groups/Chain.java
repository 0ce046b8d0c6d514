import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

import java.time.Duration;
import java.util.*;

/**
 * A member of a new group that copies a topic into another exactly once, until its input ends.
 * Chain SERVERS GROUP SOURCE SINK
 */
public class Chain {
    public static void main(String[] args) throws Exception {
        Properties p = new Properties();
        p.put("bootstrap.servers", args[0]);
        p.put("group.id", args[1]);
        p.put("group.protocol", "consumer");
        p.put("isolation.level", "read_committed");
        p.put("auto.offset.reset", "earliest");
        p.put("enable.auto.commit", "false");
        p.put("max.poll.records", "20");
        p.put("transactional.id", UUID.randomUUID().toString());
        p.put("transaction.timeout.ms", "5000");
        KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer());
        KafkaProducer<String, String> producer =
                new KafkaProducer<>(p, new StringSerializer(), new StringSerializer());
        producer.initTransactions();
        consumer.subscribe(List.of(args[2]));
        Input input = Input.awaited(() -> {});
        while (!input.isOver()) {
            ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(100));
            if (records.isEmpty()) continue;
            Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
            producer.beginTransaction();
            try {
                for (ConsumerRecord<String, String> r : records) {
                    producer.send(new ProducerRecord<>(args[3], r.key(), r.value()));
                    offsets.put(
                            new TopicPartition(r.topic(), r.partition()),
                            new OffsetAndMetadata(r.offset() + 1));
                }
                producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
                producer.commitTransaction();
                System.out.println("copied " + records.count());
            } catch (KafkaException late) {
                System.out.println("aborted " + late);
                producer.abortTransaction();
                Set<TopicPartition> mine = new HashSet<>(consumer.assignment());
                mine.retainAll(offsets.keySet());
                Map<TopicPartition, OffsetAndMetadata> known = consumer.committed(mine);
                for (TopicPartition one : mine)
                    if (known.get(one) != null) consumer.seek(one, known.get(one).offset());
                    else consumer.seekToBeginning(List.of(one));
            }
        }
        producer.close();
        consumer.close();
        System.out.println("closed");
    }
}
