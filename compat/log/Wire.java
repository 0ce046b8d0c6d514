import java.io.*;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.*;

import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.message.*;
import org.apache.kafka.common.protocol.*;
import org.apache.kafka.common.record.*;
import org.apache.kafka.common.requests.*;

/** One connection on which requests are sent as they are given: batches, sequences and all. */
class Wire implements Closeable {
    private final Socket socket;
    private final DataInputStream in;
    private int correlation;

    Wire(String bootstrap) throws IOException {
        String[] at = bootstrap.split(":");
        socket = new Socket(at[0], Integer.parseInt(at[1]));
        socket.setSoTimeout(30000);
        in = new DataInputStream(new BufferedInputStream(socket.getInputStream()));
    }

    @SuppressWarnings("unchecked")
    <T extends AbstractResponse> T ask(AbstractRequest request) throws IOException {
        RequestHeader header =
                new RequestHeader(request.apiKey(), request.version(), "wire", ++correlation);
        ByteBuffer body = request.serializeWithHeader(header);
        ByteBuffer frame = ByteBuffer.allocate(4 + body.remaining());
        frame.putInt(body.remaining()).put(body);
        socket.getOutputStream().write(frame.array());
        byte[] answer = new byte[in.readInt()];
        in.readFully(answer);
        return (T) AbstractResponse.parseResponse(ByteBuffer.wrap(answer), header);
    }

    /** Appends a batch; the base offset that it got, or "ERROR". */
    String produce(String topic, MemoryRecords records) throws IOException {
        var partition = new ProduceRequestData.PartitionProduceData().setIndex(0);
        var of = new ProduceRequestData.TopicProduceData().setName(topic);
        of.setPartitionData(List.of(partition.setRecords(records)));
        var all = new ProduceRequestData.TopicProduceDataCollection(List.of(of).iterator());
        var data = new ProduceRequestData().setAcks((short) -1).setTimeoutMs(10000);
        var request = new ProduceRequest.Builder((short) 9, (short) 9, data.setTopicData(all));
        ProduceResponse answer = ask(request.build((short) 9));
        var one = answer.data().responses().iterator().next().partitionResponses().get(0);
        Errors error = Errors.forCode(one.errorCode());
        String why = one.errorMessage() == null ? "" : " " + one.errorMessage();
        return error == Errors.NONE ? "" + one.baseOffset() : error + why;
    }

    /** A new producer id. */
    long producerId() throws IOException {
        var data = new InitProducerIdRequestData().setTransactionalId(null);
        data.setTransactionTimeoutMs(60000);
        while (true) {
            InitProducerIdResponse answer =
                    ask(new InitProducerIdRequest.Builder(data).build((short) 4));
            if (answer.error() == Errors.NONE) return answer.data().producerId();
            // Until the broker has fetched its first block of ids.
            if (answer.error() != Errors.COORDINATOR_LOAD_IN_PROGRESS)
                throw new IOException("" + answer.error());
        }
    }

    /** A batch of records, without a producer if the id is -1. */
    static MemoryRecords batch(
            CompressionType codec, long producer, int sequence, List<SimpleRecord> records) {
        MemoryRecordsBuilder builder =
                MemoryRecords.builder(
                        ByteBuffer.allocate(512),
                        RecordBatch.MAGIC_VALUE_V2,
                        Compression.of(codec).build(),
                        TimestampType.CREATE_TIME,
                        0,
                        RecordBatch.NO_TIMESTAMP,
                        producer,
                        (short) (producer < 0 ? -1 : 0),
                        sequence,
                        false,
                        RecordBatch.NO_PARTITION_LEADER_EPOCH);
        records.forEach(builder::append);
        return builder.build();
    }

    static SimpleRecord record(long time, String key, String value, Header... headers) {
        return new SimpleRecord(time, bytes(key), bytes(value), headers);
    }

    static byte[] bytes(String text) {
        return text == null ? null : text.getBytes();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
