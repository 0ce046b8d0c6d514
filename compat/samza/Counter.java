import org.apache.samza.application.TaskApplication;
import org.apache.samza.application.descriptors.TaskApplicationDescriptor;
import org.apache.samza.config.*;
import org.apache.samza.context.Context;
import org.apache.samza.runtime.LocalApplicationRunner;
import org.apache.samza.serializers.*;
import org.apache.samza.storage.kv.KeyValueIterator;
import org.apache.samza.storage.kv.KeyValueStore;
import org.apache.samza.storage.kv.descriptors.RocksDbTableDescriptor;
import org.apache.samza.system.*;
import org.apache.samza.system.kafka.descriptors.*;
import org.apache.samza.task.*;

import java.util.*;

/**
 * Counter BOOTSTRAP IN OUT DIR [ZOOKEEPER] : copies IN to OUT and keeps, in RocksDB with a
 * changelog topic, how often each number came. With DIR empty the store is restored from the
 * changelog; with ZOOKEEPER the processor is coordinated by it.
 */
public class Counter implements TaskApplication {
    static String in, out;

    @Override
    public void describe(TaskApplicationDescriptor app) {
        KafkaSystemDescriptor kafka = new KafkaSystemDescriptor("kafka");
        KVSerde<String, String> text = KVSerde.of(new StringSerde(), new StringSerde());
        app.withInputStream(kafka.getInputDescriptor(in, text));
        app.withOutputStream(kafka.getOutputDescriptor(out, text));
        app.withTable(
                new RocksDbTableDescriptor<>(
                                "counts", KVSerde.of(new StringSerde(), new IntegerSerde()))
                        .withChangelogEnabled());
        app.withTaskFactory((StreamTaskFactory) Task::new);
    }

    static class Task implements StreamTask, InitableTask {
        KeyValueStore<String, Integer> counts;

        @Override
        @SuppressWarnings("unchecked")
        public void init(Context context) {
            counts = (KeyValueStore<String, Integer>) context.getTaskContext().getStore("counts");
            int keys = 0;
            for (KeyValueIterator<String, Integer> it = counts.all(); it.hasNext(); it.next())
                keys++;
            System.out.println(
                    context.getTaskContext().getTaskModel().getTaskName()
                            + " starts with "
                            + keys
                            + " counts");
        }

        @Override
        public void process(
                IncomingMessageEnvelope message,
                MessageCollector collector,
                TaskCoordinator coordinator) {
            String number = (String) message.getMessage();
            Integer n = counts.get(number);
            counts.put(number, n == null ? 1 : n + 1);
            collector.send(
                    new OutgoingMessageEnvelope(new SystemStream("kafka", out), number, number));
        }
    }

    public static void main(String[] args) {
        in = args[1];
        out = args[2];
        Map<String, String> c = new HashMap<>();
        c.put("app.name", out);
        c.put("app.id", "1");
        c.put("job.default.system", "kafka");
        c.put("job.logged.store.base.dir", args[3]);
        c.put("systems.kafka.samza.factory", "org.apache.samza.system.kafka.KafkaSystemFactory");
        c.put("systems.kafka.consumer.bootstrap.servers", args[0]);
        c.put("systems.kafka.producer.bootstrap.servers", args[0]);
        c.put("systems.kafka.default.stream.samza.offset.default", "oldest");
        c.put("systems.kafka.default.stream.replication.factor", "1");
        c.put(
                "task.checkpoint.factory",
                "org.apache.samza.checkpoint.kafka.KafkaCheckpointManagerFactory");
        c.put("task.checkpoint.replication.factor", "1");
        c.put("job.coordinator.replication.factor", "1");
        c.put("stores.counts.changelog.replication.factor", "1");
        c.put("task.commit.ms", "500");
        c.put("processor.id", "1");
        if (args.length > 4) {
            c.put("job.coordinator.factory", "org.apache.samza.zk.ZkJobCoordinatorFactory");
            c.put(
                    "job.coordination.utils.factory",
                    "org.apache.samza.zk.ZkCoordinationUtilsFactory");
            c.put("job.coordinator.zk.connect", args[4]);
            c.put("job.debounce.time.ms", "500");
            // the default grouper names containers 0, 1, ..: a processor of another id would wait
            // for work for ever
            c.put(
                    "task.name.grouper.factory",
                    "org.apache.samza.container.grouper.task.GroupByContainerIdsFactory");
        } else {
            c.put(
                    "job.coordinator.factory",
                    "org.apache.samza.standalone.PassthroughJobCoordinatorFactory");
            c.put(
                    "job.coordination.utils.factory",
                    "org.apache.samza.standalone.PassthroughCoordinationUtilsFactory");
            c.put(
                    "task.name.grouper.factory",
                    "org.apache.samza.container.grouper.task.SingleContainerGrouperFactory");
        }
        LocalApplicationRunner runner = new LocalApplicationRunner(new Counter(), new MapConfig(c));
        Runtime.getRuntime().addShutdownHook(new Thread(runner::kill));
        runner.run();
        runner.waitForFinish();
        System.out.println("status " + runner.status());
    }
}
