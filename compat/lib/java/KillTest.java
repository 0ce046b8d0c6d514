import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.function.BooleanSupplier;

/**
 * Feeds numbers into topic IN at a steady rate while COMMAND copies them to topic OUT, kills
 * COMMAND with SIGKILL in mid-stream, starts it again, and counts what a read_committed consumer
 * sees of each number in OUT.
 *
 * <p>KillTest once|atLeastOnce BOOTSTRAP IN OUT KILLS COMMAND...
 */
public class KillTest {
    static void stop(Process p, boolean forcibly) throws Exception {
        List<ProcessHandle> all = new ArrayList<>(p.descendants().toList());
        all.add(p.toHandle());
        for (ProcessHandle h : all)
            if (forcibly) h.destroyForcibly();
            else h.destroy();
        for (ProcessHandle h : all) h.onExit().get(30, TimeUnit.SECONDS);
    }

    static void await(String what, Process p, BooleanSupplier condition) throws Exception {
        long limit = System.currentTimeMillis() + 240_000;
        while (!condition.getAsBoolean()) {
            if (!p.isAlive())
                throw new AssertionError("the job ended by itself with status " + p.exitValue());
            if (System.currentTimeMillis() > limit) {
                stop(p, true);
                throw new AssertionError("not within 240 s: " + what);
            }
            Thread.sleep(20);
        }
    }

    public static void main(String[] args) throws Exception {
        boolean once = args[0].equals("once");
        String servers = args[1], in = args[2], out = args[3];
        int kills = Integer.parseInt(args[4]);
        List<String> command = List.of(args).subList(5, args.length);
        try (Admin admin =
                Admin.create(
                        Map.<String, Object>of(
                                "bootstrap.servers", servers, "client.id", "killtest"))) {
            admin.createTopics(
                            List.of(
                                    new NewTopic(in, 2, (short) 1),
                                    new NewTopic(out, 2, (short) 1)))
                    .all()
                    .get();
        }
        Map<String, Integer> seen = new ConcurrentHashMap<>();
        AtomicBoolean done = new AtomicBoolean();
        Thread reader =
                new Thread(
                        () -> {
                            Map<String, Object> conf =
                                    Map.of(
                                            "bootstrap.servers",
                                            servers,
                                            "isolation.level",
                                            "read_committed",
                                            "client.id",
                                            "killtest");
                            try (KafkaConsumer<byte[], String> c =
                                    new KafkaConsumer<>(
                                            conf,
                                            new ByteArrayDeserializer(),
                                            new StringDeserializer())) {
                                List<TopicPartition> all =
                                        List.of(
                                                new TopicPartition(out, 0),
                                                new TopicPartition(out, 1));
                                c.assign(all);
                                c.seekToBeginning(all);
                                while (!done.get())
                                    for (ConsumerRecord<byte[], String> r :
                                            c.poll(Duration.ofMillis(100)))
                                        seen.merge(r.value(), 1, Integer::sum);
                            }
                        });
        AtomicInteger sent = new AtomicInteger();
        CountDownLatch enough = new CountDownLatch(1);
        Thread feeder =
                new Thread(
                        () -> {
                            Map<String, Object> conf =
                                    Map.of(
                                            "bootstrap.servers",
                                            servers,
                                            "linger.ms",
                                            "5",
                                            "client.id",
                                            "killtest");
                            try (KafkaProducer<String, String> p =
                                    new KafkaProducer<>(
                                            conf, new StringSerializer(), new StringSerializer())) {
                                do
                                    for (int i = 0; i < 50; i++)
                                        p.send(
                                                new ProducerRecord<>(
                                                        in,
                                                        "" + sent,
                                                        "" + sent.getAndIncrement()));
                                while (!enough.await(50, TimeUnit.MILLISECONDS));
                            } catch (InterruptedException never) {
                                throw new AssertionError(never);
                            }
                        });
        reader.setDaemon(true);
        feeder.setDaemon(true);
        reader.start();
        feeder.start();
        for (int run = 1; run <= kills + 1; run++) {
            long begun = System.currentTimeMillis();
            int before = seen.size();
            Process p =
                    new ProcessBuilder(command)
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                            .start();
            await("a first new number", p, () -> seen.size() > before);
            long first = System.currentTimeMillis() - begun;
            Thread.sleep(1300); // in mid-stream: some intervals committed, one begun
            if (run > kills) {
                enough.countDown();
                feeder.join();
                await("every number", p, () -> seen.size() == sent.get());
                Thread.sleep(2000); // what comes twice would come now
            }
            System.out.printf(
                    "ok run %d: first number after %d ms, ended with %d sent, %d seen%n",
                    run, first, sent.get(), seen.size());
            stop(p, run <= kills);
        }
        done.set(true);
        reader.join();
        int twice = 0;
        for (int n : seen.values()) twice += n - 1;
        System.out.printf(
                "%d sent, %d missing, %d more than once%n",
                sent.get(), sent.get() - seen.size(), twice);
        if (seen.size() != sent.get() || (once && twice > 0)) System.exit(1);
    }
}
