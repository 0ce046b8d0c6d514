"""PySpark: Structured Streaming copies a topic; a restart goes on from the checkpoint.

BOOTSTRAP IN OUT CHECKPOINT JARS
"""

import pathlib
import sys

from pyspark.sql import SparkSession

BOOT, SOURCE, SINK, CHECKPOINT, JARS = sys.argv[1:]

spark = (SparkSession.builder.master("local[2]").appName("copy")
         .config("spark.jars", ",".join(map(str, pathlib.Path(JARS).glob("*.jar"))))
         .config("spark.driver.host", "127.0.0.1")
         .config("spark.driver.memory", "768m")
         .config("spark.ui.enabled", "false")
         .getOrCreate())
spark.sparkContext.setLogLevel("WARN")
(spark.readStream.format("kafka")
 .option("kafka.bootstrap.servers", BOOT)
 .option("subscribe", SOURCE)
 .option("startingOffsets", "earliest")
 .option("maxOffsetsPerTrigger", "5000")
 .load()
 .selectExpr("key", "value")
 .writeStream.format("kafka")
 .option("kafka.bootstrap.servers", BOOT)
 .option("topic", SINK)
 .option("kafka.acks", "all")
 .option("checkpointLocation", CHECKPOINT)
 .start()
 .awaitTermination())
