import java.util.*;

import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.kafka.KafkaConstants;
import org.apache.camel.component.kafka.consumer.KafkaManualCommit;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;

/**
 * Route BOOTSTRAP RUN: produce by a route, consume by two consumers with manual commits, stop, and
 * go on where it stopped.
 */
public class Route {
    static final List<String> seen = Collections.synchronizedList(new ArrayList<>());

    static void keep(Exchange e) {
        var message = e.getMessage();
        seen.add(message.getBody(String.class));
        message.getHeader(KafkaConstants.MANUAL_COMMIT, KafkaManualCommit.class).commit();
    }

    static RouteBuilder routes(String servers, String run) {
        String kafka = "kafka:" + run + "-camel?brokers=" + servers;
        String out = kafka + "&requestRequiredAcks=all&compressionCodec=lz4";
        String in = kafka + "&groupId=" + run + "&autoOffsetReset=earliest&consumersCount=2"
                + "&autoCommitEnable=false&allowManualCommit=true";
        return new RouteBuilder() {
            @Override
            public void configure() {
                from("direct:in").to(out);
                from(in).process(Route::keep);
            }
        };
    }

    /** Waits until the group has committed the end of each partition. */
    static void awaitEnd(String servers, String run) throws Exception {
        try (var admin = Admin.create(Map.<String, Object>of("bootstrap.servers", servers))) {
            Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
            var topic = admin.describeTopics(List.of(run + "-camel")).allTopicNames().get();
            for (var p : topic.get(run + "-camel").partitions())
                latest.put(new TopicPartition(run + "-camel", p.partition()), OffsetSpec.latest());
            var ends = admin.listOffsets(latest).all().get();
            for (long limit = System.currentTimeMillis() + 60_000; ; Thread.sleep(50)) {
                var group = admin.listConsumerGroupOffsets(run);
                var done = group.partitionsToOffsetAndMetadata().get();
                if (ends.entrySet().stream().allMatch(e -> {
                    var committed = done.get(e.getKey());
                    return e.getValue().offset() == 0
                            || committed != null && committed.offset() == e.getValue().offset();
                })) return;
                if (System.currentTimeMillis() > limit)
                    throw new AssertionError("committed " + done + " of " + ends);
            }
        }
    }

    public static void main(String[] args) throws Exception {
        for (int round = 1; round <= 2; round++)
            try (var camel = new DefaultCamelContext()) {
                camel.addRoutes(routes(args[0], args[1]));
                camel.start();
                var template = camel.createProducerTemplate();
                for (int i = 0; i < 100; i++)
                    template.sendBodyAndHeader(
                            "direct:in", round + "/" + i, KafkaConstants.KEY, "" + i);
                // What comes twice comes before the end of its partition is committed.
                awaitEnd(args[0], args[1]);
            }
        int different = new HashSet<>(seen).size();
        if (seen.size() != 200 || different != 200)
            throw new AssertionError(seen.size() + " seen, " + different + " of them different");
        System.out.println("ok 200 messages, each once over a restart");
    }
}
