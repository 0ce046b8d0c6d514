import java.util.List;

import org.apache.kafka.common.record.*;

/**
 * Again BOOTSTRAP PRODUCERS...: the last batch of each producer of Fill once more, which must be
 * found and not appended, and one that leaves a gap.
 */
public class Again {
    public static void main(String[] args) throws Exception {
        List<SimpleRecord> two = List.of(Wire.record(Fill.PAST, "key 1", "again"),
                Wire.record(Fill.PAST, "key 2", "again"));
        try (Wire wire = new Wire(args[0])) {
            for (int i = 1; i < args.length; i++) {
                long producer = Long.parseLong(args[i]);
                for (int sequence : List.of(78, 158, 600)) {
                    MemoryRecords batch =
                            Wire.batch(CompressionType.NONE, producer, sequence, two);
                    String answer = wire.produce("idempotent", batch);
                    String how = answer.matches("[0-9]+") ? " found " : " refused ";
                    System.out.println(producer + " " + sequence + how + answer);
                }
            }
        }
    }
}
