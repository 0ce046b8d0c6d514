import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.StringSerializer;

import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Numbers into the partitions of a topic, in order and once, until it is told to end; then how
 * many. Not librdkafka: that takes a broker which knows no topics yet at its word, and fails what
 * it was to send.
 *
 * <p>Feeder BOOTSTRAP TOPIC PARTITIONS RATE
 */
public class Feeder {
    static final int TICK_MS = 50;
    static volatile boolean ending;

    public static void main(String[] args) throws Exception {
        Thread main = Thread.currentThread();
        Thread end =
                new Thread(
                        () -> {
                            ending = true;
                            try {
                                main.join(120_000);
                            } catch (InterruptedException never) {
                                throw new AssertionError(never);
                            }
                        });
        Runtime.getRuntime().addShutdownHook(end);
        int partitions = Integer.parseInt(args[2]);
        int each = Integer.parseInt(args[3]) * TICK_MS / 1000;
        Map<String, Object> conf =
                Map.of(
                        "bootstrap.servers", args[0],
                        "enable.idempotence", true,
                        "linger.ms", 5,
                        "max.block.ms", 300_000,
                        "delivery.timeout.ms", 300_000,
                        "reconnect.backoff.max.ms", 200);
        AtomicReference<Exception> failed = new AtomicReference<>();
        int sent = 0;
        try (KafkaProducer<String, String> p =
                new KafkaProducer<>(conf, new StringSerializer(), new StringSerializer())) {
            long due = System.currentTimeMillis();
            while (!ending && failed.get() == null) {
                for (int i = 0; i < each; i++, sent++) {
                    String n = String.valueOf(sent);
                    p.send(
                            new ProducerRecord<>(args[1], sent % partitions, n, n),
                            (metadata, e) -> failed.compareAndSet(null, e));
                }
                due += TICK_MS;
                Thread.sleep(Math.max(0, due - System.currentTimeMillis()));
            }
            p.flush();
        }
        if (failed.get() != null) throw failed.get();
        System.out.println("sent " + sent);
    }
}
