"""Ten rows a second into the topic `lines`, and from there into `copies`, from a checkpoint."""

from pyspark.sql import SparkSession

BOOTSTRAP = "broker:29092"
spark = SparkSession.builder.appName("copy").getOrCreate()


def to_kafka(rows, topic):
    """A running query that writes rows into a topic and goes on where its checkpoint ends."""
    writer = rows.selectExpr("CAST(value AS STRING) AS value").writeStream.format("kafka")
    return (writer.option("kafka.bootstrap.servers", BOOTSTRAP).option("topic", topic)
            .option("checkpointLocation", f"/checkpoint/{topic}").start())


to_kafka(spark.readStream.format("rate").option("rowsPerSecond", 10).load(), "lines")
lines = (spark.readStream.format("kafka").option("kafka.bootstrap.servers", BOOTSTRAP)
         .option("subscribe", "lines").option("startingOffsets", "earliest").load())
to_kafka(lines, "copies")
spark.streams.awaitAnyTermination()
