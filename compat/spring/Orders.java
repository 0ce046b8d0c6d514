import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;
import org.springframework.context.annotation.*;
import org.springframework.kafka.annotation.*;
import org.springframework.kafka.config.*;
import org.springframework.kafka.core.*;
import org.springframework.kafka.listener.*;
import org.springframework.kafka.transaction.KafkaTransactionManager;
import org.springframework.util.backoff.FixedBackOff;

import java.util.*;
import java.util.concurrent.*;

/**
 * -Dservers=BOOTSTRAP -Drun=PREFIX : topics made by KafkaAdmin, a transactional listener on three
 * threads that answers each order inside its transaction, a poison order that is retried, rolled
 * back and ends on the dead-letter topic, and a read_committed check.
 */
@Configuration
@EnableKafka
public class Orders {
    static final String SERVERS = System.getProperty("servers"), RUN = System.getProperty("run");
    static final Set<String> answered = ConcurrentHashMap.newKeySet(),
            dead = ConcurrentHashMap.newKeySet();
    static final Set<String> threads = ConcurrentHashMap.newKeySet();

    @Bean
    KafkaAdmin admin() {
        return new KafkaAdmin(Map.of("bootstrap.servers", SERVERS));
    }

    @Bean
    KafkaAdmin.NewTopics topics() {
        return new KafkaAdmin.NewTopics(
                TopicBuilder.name(RUN + "-orders").partitions(3).build(),
                TopicBuilder.name(RUN + "-answers").partitions(1).build(),
                TopicBuilder.name(RUN + "-orders-dlt")
                        .partitions(3)
                        .build()); // the recoverer keeps the partition
    }

    @Bean
    ProducerFactory<String, String> producers() {
        DefaultKafkaProducerFactory<String, String> factory =
                new DefaultKafkaProducerFactory<>(
                        Map.of("bootstrap.servers", SERVERS),
                        new StringSerializer(),
                        new StringSerializer());
        factory.setTransactionIdPrefix(RUN + "-tx-");
        return factory;
    }

    @Bean
    KafkaTemplate<String, String> template(ProducerFactory<String, String> producers) {
        return new KafkaTemplate<>(producers);
    }

    static ConsumerFactory<String, String> consumers(String group) {
        return new DefaultKafkaConsumerFactory<>(
                Map.of(
                        "bootstrap.servers",
                        SERVERS,
                        "group.id",
                        group,
                        "auto.offset.reset",
                        "earliest",
                        "isolation.level",
                        "read_committed"),
                new StringDeserializer(),
                new StringDeserializer());
    }

    @Bean
    ConcurrentKafkaListenerContainerFactory<String, String> kafkaListenerContainerFactory(
            ProducerFactory<String, String> producers, KafkaTemplate<String, String> template) {
        ConcurrentKafkaListenerContainerFactory<String, String> factory =
                new ConcurrentKafkaListenerContainerFactory<>();
        factory.setConsumerFactory(consumers(RUN));
        factory.setConcurrency(3);
        factory.getContainerProperties()
                .setKafkaAwareTransactionManager(new KafkaTransactionManager<>(producers));
        factory.setAfterRollbackProcessor(
                new DefaultAfterRollbackProcessor<>(
                        new DeadLetterPublishingRecoverer(template),
                        new FixedBackOff(100, 2),
                        template,
                        true));
        return factory;
    }

    @Bean
    Object listener(KafkaTemplate<String, String> template) {
        return new Object() {
            @KafkaListener(id = "orders", groupId = "#{systemProperties['run']}",
                    topics = "#{systemProperties['run']}-orders")
            public void order(ConsumerRecord<String, String> order) {
                template.send(RUN + "-answers", order.key(), "answer to " + order.value());
                threads.add(Thread.currentThread().getName());
                if (order.value().equals("poison")) throw new IllegalStateException("poison");
            }

            @KafkaListener(
                    id = "dlt",
                    groupId = "#{systemProperties['run']}-dlt",
                    topics = "#{systemProperties['run']}-orders-dlt",
                    concurrency = "1")
            public void buried(ConsumerRecord<String, String> order) {
                dead.add(order.value());
            }
        };
    }

    /** Waits until each of the three consumers has its partition, so that each gets orders. */
    static void awaitAssignment(KafkaListenerEndpointRegistry registry) throws Exception {
        var orders = (ConcurrentMessageListenerContainer<?, ?>)
                registry.getListenerContainer("orders");
        for (long end = System.currentTimeMillis() + 60_000; ; Thread.sleep(50)) {
            long placed = orders.getContainers().stream()
                    .filter(c -> c.getAssignedPartitions() != null
                            && c.getAssignedPartitions().size() == 1)
                    .count();
            if (placed == 3) return;
            if (System.currentTimeMillis() > end)
                throw new AssertionError(placed + " consumers have one partition, not 3");
        }
    }

    static void check(boolean ok, String what) {
        if (!ok) throw new AssertionError(what);
        System.out.println("ok " + what);
    }

    public static void main(String[] args) throws Exception {
        int n = 300;
        try (AnnotationConfigApplicationContext context =
                new AnnotationConfigApplicationContext(Orders.class)) {
            awaitAssignment(context.getBean(KafkaListenerEndpointRegistry.class));
            KafkaTemplate<String, String> template = context.getBean(KafkaTemplate.class);
            template.executeInTransaction(
                    t -> {
                        for (int i = 0; i < n; i++)
                            t.send(RUN + "-orders", "" + i, i == 150 ? "poison" : "order " + i);
                        return null;
                    });
            try (Consumer<String, String> reader = consumers(RUN + "-reader").createConsumer()) {
                reader.assign(List.of(new TopicPartition(RUN + "-answers", 0)));
                List<String> values = new ArrayList<>();
                for (long end = System.currentTimeMillis() + 60_000;
                        System.currentTimeMillis() < end
                                && (values.size() < n - 1 || dead.isEmpty()); )
                    for (ConsumerRecord<String, String> r :
                            reader.poll(java.time.Duration.ofMillis(200))) values.add(r.value());
                check(
                        values.size() == n - 1 && new HashSet<>(values).size() == n - 1,
                        values.size() + " answers, each once");
                check(
                        !values.contains("answer to poison"),
                        "no answer to the poison order was committed");
                check(dead.equals(Set.of("poison")), "dead letters " + dead);
                check(threads.size() == 3, "listener threads " + threads.size());
            }
        }
    }
}
