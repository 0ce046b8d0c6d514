import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

import java.time.Duration;
import java.util.*;
import java.util.stream.Collectors;

/**
 * A member that says what it is assigned and what it reads, commits after every poll, and closes
 * when its input ends. Member SERVERS GROUP PROTOCOL INSTANCE|- TOPIC|re:PATTERN
 * [ISOLATION]
 */
public class Member {
    static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }

    public static void main(String[] args) throws Exception {
        Properties p = new Properties();
        p.put("bootstrap.servers", args[0]);
        p.put("group.id", args[1]);
        p.put("group.protocol", args[2]);
        if (!args[3].equals("-")) p.put("group.instance.id", args[3]);
        if (args[2].equals("classic")) {
            p.put("session.timeout.ms", "6000");
            p.put("heartbeat.interval.ms", "500");
        }
        p.put("auto.offset.reset", "earliest");
        p.put("enable.auto.commit", "false");
        if (args.length > 5) p.put("isolation.level", args[5]);
        p.put("metadata.max.age.ms", "1000");
        KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer());
        ConsumerRebalanceListener listener =
                new ConsumerRebalanceListener() {
                    @Override
                    public void onPartitionsRevoked(Collection<TopicPartition> gone) {}

                    @Override
                    public void onPartitionsAssigned(Collection<TopicPartition> got) {
                        say("assigned " + names(consumer.assignment()));
                    }
                };
        if (args[4].startsWith("re:"))
            consumer.subscribe(new SubscriptionPattern(args[4].substring(3)), listener);
        else consumer.subscribe(List.of(args[4]), listener);
        Input input = Input.awaited(consumer::wakeup);
        Set<TopicPartition> last = Set.of();
        while (true) {
            try {
                ConsumerRecords<String, String> records = consumer.poll(Duration.ofMillis(200));
                for (ConsumerRecord<String, String> r : records)
                    say("record " + r.topic() + " " + r.partition() + " " + r.offset() + " "
                            + r.value());
                if (!records.isEmpty()) consumer.commitSync();
                Set<TopicPartition> now = Set.copyOf(consumer.assignment());
                if (!now.equals(last)) say("assigned " + names(now));
                last = now;
            } catch (org.apache.kafka.common.errors.WakeupException woken) {
                if (input.isOver()) break;
            } catch (CommitFailedException late) {
                say("uncommitted");
            }
        }
        consumer.close();
        say("closed");
    }

    static String names(Collection<TopicPartition> partitions) {
        return partitions.stream().map(TopicPartition::toString).sorted()
                .collect(Collectors.joining(" "));
    }
}
