import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.*;
import java.util.*;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.record.*;

/**
 * Writes what java_batches.rs reads: a batch of records for each compression, and a marker, as Java's producer and broker make
 * them. With the jars of Kafka: java -cp "kafka/libs/*" Batches.java FOLDER
 */
public class Batches {
    public static void main(String[] args) throws Exception {
        Map<String, Compression> all = new LinkedHashMap<>();
        all.put("gzip", Compression.gzip().build());
        all.put("snappy", Compression.snappy().build());
        all.put("lz4", Compression.lz4().build());
        all.put("zstd", Compression.zstd().build());
        for (Map.Entry<String, Compression> entry : all.entrySet()) {
            ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
            MemoryRecordsBuilder builder = MemoryRecords.builder(buffer, RecordBatch.MAGIC_VALUE_V2, entry.getValue(),
                TimestampType.CREATE_TIME, 40L, 0L, 7L, (short) 1, 0, true, 5);
            for (int i = 0; i < 300; i++) {
                byte[] key = i % 7 == 0 ? null : ("key-" + i).getBytes(StandardCharsets.UTF_8);
                // Longer than one of snappy's and LZ4's blocks in all.
                byte[] value = i % 11 == 0 ? null : ("value " + i + " ").repeat(1 + i % 50).getBytes(StandardCharsets.UTF_8);
                Header[] headers = i % 5 == 0 ? new Header[] { new RecordHeader("h", ("" + i).getBytes()), new RecordHeader("n", (byte[]) null) } : new Header[0];
                builder.append(1000L + i, key, value, headers);
            }
            builder.close();
            ByteBuffer batch = builder.build().buffer();
            byte[] bytes = new byte[batch.remaining()];
            batch.get(bytes);
            Files.write(Paths.get(args[0], entry.getKey() + ".batch"), bytes);
            System.out.println(entry.getKey() + " " + bytes.length);
        }
        ByteBuffer marker = MemoryRecords.withEndTransactionMarker(340L, 5000L, 5, 7L, (short) 1,
            new EndTransactionMarker(ControlRecordType.ABORT, 3)).buffer();
        byte[] bytes = new byte[marker.remaining()];
        marker.get(bytes);
        Files.write(Paths.get(args[0], "abort.batch"), bytes);
    }
}
