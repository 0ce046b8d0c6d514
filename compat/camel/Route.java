import java.util.*;

import org.apache.camel.Exchange;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.kafka.KafkaConstants;
import org.apache.camel.component.kafka.consumer.KafkaManualCommit;
import org.apache.camel.impl.DefaultCamelContext;

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

    public static void main(String[] args) throws Exception {
        for (int round = 1; round <= 2; round++)
            try (var camel = new DefaultCamelContext()) {
                camel.addRoutes(routes(args[0], args[1]));
                camel.start();
                var template = camel.createProducerTemplate();
                for (int i = 0; i < 100; i++)
                    template.sendBodyAndHeader(
                            "direct:in", round + "/" + i, KafkaConstants.KEY, "" + i);
                for (int i = 0; i < 300 && seen.size() < 100 * round; i++) Thread.sleep(100);
                if (round == 2) Thread.sleep(1000); // what comes twice would come now
            }
        int different = new HashSet<>(seen).size();
        if (seen.size() != 200 || different != 200)
            throw new AssertionError(seen.size() + " seen, " + different + " of them different");
        System.out.println("ok 200 messages, each once over a restart");
    }
}
