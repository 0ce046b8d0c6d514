import org.apache.spark.sql.SparkSession;

/**
 * Stream BOOTSTRAP IN OUT CHECKPOINT : Structured Streaming copies a topic; a restart goes on from
 * the checkpoint.
 */
public class Stream {
    public static void main(String[] args) throws Exception {
        SparkSession spark =
                SparkSession.builder()
                        .master("local[2]")
                        .appName("copy")
                        .config("spark.ui.enabled", "false")
                        .config("spark.sql.shuffle.partitions", "2")
                        .config("spark.driver.host", "127.0.0.1")
                        .getOrCreate();
        spark.readStream()
                .format("kafka")
                .option("kafka.bootstrap.servers", args[0])
                .option("subscribe", args[1])
                .option(
                        "startingOffsets",
                        "earliest") // only for the first start: afterwards the checkpoint decides
                .option("maxOffsetsPerTrigger", "5000")
                .load()
                .selectExpr("key", "value")
                .writeStream()
                .format("kafka")
                .option("kafka.bootstrap.servers", args[0])
                .option("topic", args[2])
                .option("kafka.acks", "all")
                .option("checkpointLocation", args[3])
                .start()
                .awaitTermination();
    }
}
