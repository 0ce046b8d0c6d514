import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.*;

import java.util.*;
import java.util.concurrent.*;

/**
 * Writes numbers until it is ended, and says what became of each: "ok PARTITION OFFSET NUMBER",
 * "failed NUMBER ERROR" or "aborted NUMBER".
 *
 * <p>Writer BOOTSTRAP TOPIC plain|transactional BYTES PER_SECOND [KEY=VALUE...]
 */
public class Writer {
    static synchronized void say(String line) {
        System.out.println(line);
    }

    static String value(long number, int bytes) {
        String digits = Long.toString(number);
        return digits + "x".repeat(Math.max(0, bytes - digits.length()));
    }

    public static void main(String[] args) throws Exception {
        String topic = args[1];
        boolean transactional = args[2].equals("transactional");
        int bytes = Integer.parseInt(args[3]);
        long pause = 1_000_000_000L / Long.parseLong(args[4]);
        Map<String, Object> settings = new HashMap<>();
        settings.put("bootstrap.servers", args[0]);
        settings.put("linger.ms", 5);
        settings.put("reconnect.backoff.max.ms", 200);
        settings.put("delivery.timeout.ms", 120000);
        if (transactional) settings.put("transactional.id", "writer");
        for (String more : List.of(args).subList(5, args.length))
            settings.put(more.split("=", 2)[0], more.split("=", 2)[1]);
        var text = new StringSerializer();
        var producer = new KafkaProducer<String, String>(settings, text, text);
        if (transactional) producer.initTransactions();
        long next = System.nanoTime();
        for (long n = 0; ; ) {
            if (!transactional) {
                long number = n++;
                producer.send(
                        new ProducerRecord<>(topic, value(number, bytes)),
                        (at, error) ->
                                say(
                                        error == null
                                                ? "ok " + at.partition() + " " + at.offset() + " " + number
                                                : "failed " + number + " " + error.getClass().getSimpleName()));
                next = wait(next, pause);
                continue;
            }
            boolean commit = (n / 20) % 7 != 6;
            producer.beginTransaction();
            Map<Long, Future<RecordMetadata>> sent = new TreeMap<>();
            for (int i = 0; i < 20; i++, n++) {
                sent.put(n, producer.send(new ProducerRecord<>(topic, value(n, bytes))));
                next = wait(next, pause);
            }
            if (commit) producer.commitTransaction();
            else producer.abortTransaction();
            for (var one : sent.entrySet()) {
                if (!commit) say("aborted " + one.getKey());
                else {
                    RecordMetadata at = one.getValue().get();
                    say("ok " + at.partition() + " " + at.offset() + " " + one.getKey());
                }
            }
        }
    }

    static long wait(long next, long pause) throws Exception {
        long ahead = next - System.nanoTime();
        if (ahead > 1_000_000) Thread.sleep(ahead / 1_000_000);
        return Math.max(next, System.nanoTime() - 100_000_000L) + pause;
    }
}
