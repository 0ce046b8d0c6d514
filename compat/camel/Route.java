import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.kafka.KafkaConstants;
import org.apache.camel.component.kafka.consumer.KafkaManualCommit;
import org.apache.camel.impl.DefaultCamelContext;

import java.util.*;
import java.util.concurrent.*;

/**
 * Route BOOTSTRAP RUN : produce by a route, consume by two consumers with manual commits, stop, and
 * go on where it stopped.
 */
public class Route {
    public static void main(String[] args) throws Exception {
        String topic = args[1] + "-camel", kafka = "kafka:" + topic + "?brokers=" + args[0];
        List<String> seen = Collections.synchronizedList(new ArrayList<>());
        for (int round = 1; round <= 2; round++)
            try (DefaultCamelContext camel = new DefaultCamelContext()) {
                camel.addRoutes(
                        new RouteBuilder() {
                            @Override
                            public void configure() {
                                from("direct:in")
                                        .to(
                                                kafka
                                                        + "&requestRequiredAcks=all&compressionCodec=lz4");
                                from(kafka
                                                + "&groupId="
                                                + args[1]
                                                + "&autoOffsetReset=earliest&consumersCount=2&autoCommitEnable=false&allowManualCommit=true")
                                        .process(
                                                e -> {
                                                    seen.add(e.getMessage().getBody(String.class));
                                                    e.getMessage()
                                                            .getHeader(
                                                                    KafkaConstants.MANUAL_COMMIT,
                                                                    KafkaManualCommit.class)
                                                            .commit();
                                                });
                            }
                        });
                camel.start();
                for (int i = 0; i < 100; i++)
                    camel.createProducerTemplate()
                            .sendBodyAndHeader(
                                    "direct:in", round + "/" + i, KafkaConstants.KEY, "" + i);
                for (int i = 0; i < 300 && seen.size() < 100 * round; i++) Thread.sleep(100);
                if (round == 2) Thread.sleep(1000);
            }
        if (seen.size() != 200 || new HashSet<>(seen).size() != 200)
            throw new AssertionError(
                    seen.size() + " seen, " + new HashSet<>(seen).size() + " of them different");
        System.out.println("ok 200 messages, each once over a restart");
    }
}
