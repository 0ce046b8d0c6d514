import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.slf4j.*;

import java.time.Duration;
import java.util.*;

/**
 * Logs through SLF4J to each named logger's topic, shuts the backend down, then reads every topic
 * back in order.
 */
public class Logs {
    /** Whichever backend is bound must flush what it still holds. */
    static void shutDown() throws Exception {
        ILoggerFactory bound = LoggerFactory.getILoggerFactory();
        switch (bound.getClass().getName()) {
            case "org.apache.logging.slf4j.Log4jLoggerFactory" ->
                    Class.forName("org.apache.logging.log4j.LogManager")
                            .getMethod("shutdown")
                            .invoke(null);
            case "org.slf4j.impl.Reload4jLoggerFactory" ->
                    Class.forName("org.apache.log4j.LogManager").getMethod("shutdown").invoke(null);
            case "ch.qos.logback.classic.LoggerContext" ->
                    bound.getClass().getMethod("stop").invoke(bound);
            default -> throw new IllegalStateException("no backend known: " + bound.getClass());
        }
    }

    public static void main(String[] names) throws Exception {
        String servers = System.getProperty("servers"), run = System.getProperty("run");
        int lines = 500;
        for (String name : names) {
            Logger log = LoggerFactory.getLogger(name);
            long start = System.nanoTime();
            for (int i = 0; i < lines; i++) log.info("line {}", i);
            System.out.printf(
                    "%s: %d lines logged in %d ms%n",
                    name, lines, (System.nanoTime() - start) / 1_000_000);
        }
        shutDown();
        Properties p = new Properties();
        p.put("bootstrap.servers", servers);
        p.put("group.id", run);
        p.put("auto.offset.reset", "earliest");
        for (String name : names)
            try (KafkaConsumer<String, String> consumer =
                    new KafkaConsumer<>(p, new StringDeserializer(), new StringDeserializer())) {
                consumer.subscribe(List.of(run + "-" + name));
                Map<Integer, List<Integer>> got = new TreeMap<>(); // by partition
                Set<Integer> all = new TreeSet<>();
                int count = 0;
                long end = System.currentTimeMillis() + 20_000;
                while (count < lines && System.currentTimeMillis() < end)
                    for (ConsumerRecord<String, String> r : consumer.poll(Duration.ofMillis(200))) {
                        int line = Integer.parseInt(r.value().substring("line ".length()));
                        got.computeIfAbsent(r.partition(), p2 -> new ArrayList<>()).add(line);
                        all.add(line);
                        count++;
                    }
                if (count != lines || all.size() != lines)
                    throw new AssertionError(
                            name + ": " + count + " lines, " + all.size() + " of them different");
                for (List<Integer> part : got.values())
                    for (int i = 1; i < part.size(); i++)
                        if (part.get(i - 1) >= part.get(i))
                            throw new AssertionError(name + ": out of order " + part);
                System.out.println("ok " + name + ": " + count + " lines in order");
            }
    }
}
