import java.net.Socket;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.utility.DockerImageName;

/** Starts the image under one of testcontainers' Kafka modules: Modules KIND IMAGE. */
public class Modules {
    public static void main(String[] args) throws Exception {
        DockerImageName image = DockerImageName.parse(args[1]);
        DockerImageName apache = image.asCompatibleSubstituteFor("apache/kafka");
        DockerImageName confluent = image.asCompatibleSubstituteFor("confluentinc/cp-kafka");
        int port = 9092;
        GenericContainer<?> container;
        switch (args[0]) {
            case "apache":
                container = new org.testcontainers.kafka.KafkaContainer(apache);
                break;
            case "confluent":
                container = new org.testcontainers.kafka.ConfluentKafkaContainer(confluent);
                break;
            case "old_kraft":
                container = new org.testcontainers.containers.KafkaContainer(confluent).withKraft();
                port = 9093;
                break;
            default:
                throw new IllegalArgumentException(args[0]);
        }
        container.start();
        System.out.println("bootstrap " + container.getHost() + ":" + container.getMappedPort(port));
        System.out.flush();
        System.in.read(); // Until the test has used it.
        container.stop();
    }
}
