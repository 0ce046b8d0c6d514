import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.spark.SparkConf;
import org.apache.spark.streaming.Durations;
import org.apache.spark.streaming.api.java.*;
import org.apache.spark.streaming.kafka010.*;

import java.util.*;
import java.util.concurrent.atomic.AtomicLong;

/**
 * DStream BOOTSTRAP TOPIC COUNT GROUP : direct stream that counts COUNT records and commits its
 * offsets to Kafka.
 */
public class DStream {
    public static void main(String[] args) throws Exception {
        JavaStreamingContext context =
                new JavaStreamingContext(
                        new SparkConf()
                                .setMaster("local[2]")
                                .setAppName("dstream")
                                .set("spark.ui.enabled", "false")
                                .set("spark.driver.host", "127.0.0.1"),
                        Durations.milliseconds(500));
        Map<String, Object> conf =
                Map.of(
                        "bootstrap.servers",
                        args[0],
                        "group.id",
                        args[3],
                        "auto.offset.reset",
                        "earliest",
                        "enable.auto.commit",
                        false,
                        "key.deserializer",
                        StringDeserializer.class,
                        "value.deserializer",
                        StringDeserializer.class);
        JavaInputDStream<org.apache.kafka.clients.consumer.ConsumerRecord<String, String>> stream =
                KafkaUtils.createDirectStream(
                        context,
                        LocationStrategies.PreferConsistent(),
                        ConsumerStrategies.Subscribe(List.of(args[1]), conf));
        AtomicLong seen = new AtomicLong();
        stream.foreachRDD(
                rdd -> {
                    OffsetRange[] ranges = ((HasOffsetRanges) rdd.rdd()).offsetRanges();
                    seen.addAndGet(rdd.count());
                    ((CanCommitOffsets) stream.inputDStream()).commitAsync(ranges);
                });
        context.start();
        for (int i = 0; i < 600 && seen.get() < Long.parseLong(args[2]); i++) Thread.sleep(100);
        Thread.sleep(1200); // commitAsync sends with the next batch
        context.stop(true, true);
        System.out.println("ok dstream saw " + seen);
        if (seen.get() != Long.parseLong(args[2])) System.exit(1);
    }
}
