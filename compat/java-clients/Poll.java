import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;

import java.lang.reflect.Method;
import java.time.Duration;

/**
 * The one call that no single source line can make on every client: poll(long) until 3.x,
 * poll(Duration) since 2.0.
 */
final class Poll {
    @SuppressWarnings("unchecked")
    static <K, V> ConsumerRecords<K, V> poll(KafkaConsumer<K, V> consumer, long millis)
            throws Exception {
        for (Method m : KafkaConsumer.class.getMethods())
            if (m.getName().equals("poll") && m.getParameterTypes()[0] == Duration.class)
                return (ConsumerRecords<K, V>) m.invoke(consumer, Duration.ofMillis(millis));
        return (ConsumerRecords<K, V>)
                KafkaConsumer.class.getMethod("poll", long.class).invoke(consumer, millis);
    }
}
