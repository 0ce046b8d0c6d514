import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.serialization.StringSerializer;

import java.util.Map;

/**
 * A transaction of one record that stays open until a line comes on standard input, and is then
 * committed.
 *
 * <p>Holder BOOTSTRAP TOPIC TRANSACTIONAL_ID TIMEOUT_MS
 */
public class Holder {
    public static void main(String[] args) throws Exception {
        Map<String, Object> conf =
                Map.of(
                        "bootstrap.servers",
                        args[0],
                        "transactional.id",
                        args[2],
                        "transaction.timeout.ms",
                        args[3],
                        "reconnect.backoff.max.ms",
                        200);
        try (KafkaProducer<String, String> p =
                new KafkaProducer<>(conf, new StringSerializer(), new StringSerializer())) {
            p.initTransactions();
            p.beginTransaction();
            p.send(new ProducerRecord<>(args[1], args[2])).get();
            System.out.println("open");
            System.in.read();
            while (true) {
                try {
                    p.commitTransaction();
                    break;
                } catch (TimeoutException again) {
                    System.out.println("again after " + again);
                }
            }
            System.out.println("committed");
        }
    }
}
