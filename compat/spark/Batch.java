import static org.apache.spark.sql.functions.*;

import org.apache.kafka.clients.admin.*;
import org.apache.spark.sql.*;

import java.util.*;

/**
 * Batch BOOTSTRAP RUN : a batch write with headers and keys, then reads by offset, by timestamp and
 * by pattern.
 */
public class Batch {
    static void check(String what, long got, long wanted) {
        if (got != wanted) throw new AssertionError(what + ": " + got + ", not " + wanted);
        System.out.println("ok " + what + ": " + got);
    }

    public static void main(String[] args) throws Exception {
        String servers = args[0], topic = args[1] + "-batch";
        try (Admin admin = Admin.create(Map.<String, Object>of("bootstrap.servers", servers))) {
            // One partition: the offsets below name each of them.
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
        }
        SparkSession spark =
                SparkSession.builder()
                        .master("local[2]")
                        .appName("batch")
                        .config("spark.ui.enabled", "false")
                        .config("spark.driver.host", "127.0.0.1")
                        .getOrCreate();
        for (int half = 0; half < 2; half++) {
            if (half == 1) Thread.sleep(1000);
            spark.range(half * 500, half * 500 + 500)
                    .select(
                            col("id").cast("string").as("key"),
                            concat(lit("value "), col("id")).as("value"),
                            array(
                                            struct(
                                                    lit("half").as("key"),
                                                    lit(String.valueOf(half))
                                                            .cast("binary")
                                                            .as("value")))
                                    .as("headers"))
                    .write()
                    .format("kafka")
                    .option("kafka.bootstrap.servers", servers)
                    .option("topic", topic)
                    .option("includeHeaders", "true")
                    .save();
        }
        DataFrameReader read =
                spark.read()
                        .format("kafka")
                        .option("kafka.bootstrap.servers", servers)
                        .option("includeHeaders", "true");
        Dataset<Row> all = read.option("subscribe", topic).load().cache();
        check("all by default offsets", all.count(), 1000);
        check("distinct keys", all.select("key").distinct().count(), 1000);
        check(
                "headers of the second half",
                all.filter("cast(headers[0].value as string) = '1'").count(),
                500);
        check(
                "offsets 10 to 110",
                spark.read()
                        .format("kafka")
                        .option("kafka.bootstrap.servers", servers)
                        .option("subscribe", topic)
                        .option("startingOffsets", "{\"" + topic + "\":{\"0\":10}}")
                        .option("endingOffsets", "{\"" + topic + "\":{\"0\":110}}")
                        .load()
                        .count(),
                100);
        long middle =
                all.filter("cast(headers[0].value as string) = '1'")
                        .selectExpr("min(cast(timestamp as double)) * 1000")
                        .as(Encoders.DOUBLE())
                        .first()
                        .longValue();
        check(
                "from the second half's timestamp",
                spark.read()
                        .format("kafka")
                        .option("kafka.bootstrap.servers", servers)
                        .option("subscribe", topic)
                        .option("startingTimestamp", String.valueOf(middle))
                        .load()
                        .count(),
                500);
        check(
                "up to the second half's timestamp",
                spark.read()
                        .format("kafka")
                        .option("kafka.bootstrap.servers", servers)
                        .option("subscribe", topic)
                        .option("endingTimestamp", String.valueOf(middle))
                        .load()
                        .count(),
                500);
        check(
                "by pattern",
                spark.read()
                        .format("kafka")
                        .option("kafka.bootstrap.servers", servers)
                        .option("subscribePattern", args[1] + "-b.*")
                        .option("minPartitions", "4")
                        .load()
                        .count(),
                1000);
        spark.stop();
    }
}
