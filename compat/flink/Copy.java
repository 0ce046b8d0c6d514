import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.*;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;

import java.io.File;
import java.util.*;

/**
 * Copy BOOTSTRAP IN OUT DIR EXACTLY_ONCE|AT_LEAST_ONCE [POOLING] : goes on from the newest
 * checkpoint it finds under DIR.
 */
public class Copy {
    static Optional<File> newestCheckpoint(File dir) {
        File[] jobs = dir.listFiles();
        return Arrays.stream(jobs == null ? new File[0] : jobs)
                .flatMap(job -> Arrays.stream(Objects.requireNonNull(job.listFiles())))
                .filter(chk -> new File(chk, "_metadata").exists())
                .max(Comparator.comparing(File::lastModified));
    }

    public static void main(String[] args) throws Exception {
        String servers = args[0], in = args[1], out = args[2];
        File dir = new File(args[3]).getAbsoluteFile();
        Configuration conf = new Configuration();
        conf.setString("execution.checkpointing.interval", "500 ms");
        conf.setString("execution.checkpointing.storage", "filesystem");
        conf.setString("execution.checkpointing.dir", dir.toURI().toString());
        conf.setString(
                "execution.checkpointing.externalized-checkpoint-retention",
                "RETAIN_ON_CANCELLATION");
        conf.setString("parallelism.default", "2");
        newestCheckpoint(dir)
                .ifPresent(
                        chk ->
                                conf.setString(
                                        "execution.state-recovery.path", chk.toURI().toString()));
        System.out.println(
                "restored from " + newestCheckpoint(dir).map(File::getName).orElse("nothing"));

        KafkaSource<String> source =
                KafkaSource.<String>builder()
                        .setBootstrapServers(servers)
                        .setTopics(in)
                        .setGroupId(in + "-flink")
                        .setStartingOffsets(
                                OffsetsInitializer.committedOffsets(OffsetResetStrategy.EARLIEST))
                        .setProperty("partition.discovery.interval.ms", "1000")
                        .setValueOnlyDeserializer(new SimpleStringSchema())
                        .build();
        KafkaSinkBuilder<String> sink =
                KafkaSink.<String>builder()
                        .setBootstrapServers(servers)
                        .setDeliveryGuarantee(DeliveryGuarantee.valueOf(args[4]))
                        .setTransactionalIdPrefix(out)
                        // Flink asks for one hour unless told, above what a broker grants by
                        // default (transaction.max.timeout.ms, 15 minutes)
                        .setProperty("transaction.timeout.ms", "60000")
                        .setRecordSerializer(
                                KafkaRecordSerializationSchema.builder()
                                        .setTopic(out)
                                        .setValueSerializationSchema(new SimpleStringSchema())
                                        .build());
        if (args.length
                > 5) // connector 4.0 and later: transactional ids are reused and found again by
                     // ListTransactions
        for (Object strategy :
                    Class.forName("org.apache.flink.connector.kafka.sink.TransactionNamingStrategy")
                            .getEnumConstants())
                if (strategy.toString().equals(args[5]))
                    KafkaSinkBuilder.class
                            .getMethod("setTransactionNamingStrategy", strategy.getClass())
                            .invoke(sink, strategy);

        StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(conf);
        env.fromSource(source, WatermarkStrategy.noWatermarks(), "in")
                .map(s -> s)
                .sinkTo(sink.build());
        env.execute("copy");
    }
}
