import org.apache.kafka.clients.admin.*;
import org.apache.kafka.common.config.ConfigResource;

import java.util.*;

/** Since 0.11: the admin calls whose signatures never changed. */
public class Administer {
    public static void main(String[] args) throws Exception {
        String topic = args[1] + "-admin";
        try (AdminClient admin = AdminClient.create(Basic.with("bootstrap.servers", args[0]))) {
            NewTopic wanted =
                    new NewTopic(topic, 3, (short) 1).configs(Map.of("cleanup.policy", "compact"));
            admin.createTopics(List.of(wanted)).all().get();
            Basic.check(
                    admin.listTopics().names().get().contains(topic), "created topic is listed");
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            String policy =
                    admin.describeConfigs(List.of(resource))
                            .all()
                            .get()
                            .get(resource)
                            .get("cleanup.policy")
                            .value();
            Basic.check(policy.equals("compact"), "cleanup.policy is " + policy);
            Basic.check(
                    admin.describeCluster().nodes().get().size() >= 1,
                    "the cluster has nodes, id " + admin.describeCluster().clusterId().get());
            try {
                admin.createTopics(List.of(wanted)).all().get();
                Basic.check(false, "a second creation must fail");
            } catch (java.util.concurrent.ExecutionException e) {
                Basic.check(
                        e.getCause().getClass().getSimpleName().equals("TopicExistsException"),
                        "a second creation: " + e.getCause().getMessage());
            }
            admin.deleteTopics(List.of(topic)).all().get();
        }
    }
}
