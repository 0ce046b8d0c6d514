import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.*;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.kafka.*;
import org.apache.pekko.kafka.javadsl.Transactional;
import org.apache.pekko.stream.RestartSettings;
import org.apache.pekko.stream.javadsl.*;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Copy BOOTSTRAP IN OUT : Transactional.source to Transactional.sink, offsets and records in one
 * transaction per 100 ms.
 */
public class Copy {
    public static void main(String[] args) throws Exception {
        ActorSystem system = ActorSystem.create("copy");
        ConsumerSettings<String, String> consumer =
                ConsumerSettings.create(system, new StringDeserializer(), new StringDeserializer())
                        .withBootstrapServers(args[0])
                        .withGroupId(args[2])
                        .withProperty("auto.offset.reset", "earliest")
                        .withProperty("session.timeout.ms", "6000")
                        .withStopTimeout(Duration.ofSeconds(1));
        ProducerSettings<String, String> producer =
                ProducerSettings.create(system, new StringSerializer(), new StringSerializer())
                        .withBootstrapServers(args[0])
                        .withProperty("transaction.timeout.ms", "10000");
        RestartSource.onFailuresWithBackoff(
                        RestartSettings.create(Duration.ofMillis(200), Duration.ofSeconds(2), 0.1),
                        () ->
                                Transactional.source(consumer, Subscriptions.topics(args[1]))
                                        .map(
                                                m ->
                                                        ProducerMessage.single(
                                                                new ProducerRecord<>(
                                                                        args[2],
                                                                        m.record().key(),
                                                                        m.record().value()),
                                                                m.partitionOffset()))
                                        .via(Transactional.flow(producer, args[2])))
                .runWith(Sink.ignore(), system)
                .toCompletableFuture()
                .get(1, TimeUnit.HOURS);
    }
}
