import org.apache.flink.table.api.*;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

import java.util.*;

/**
 * Sql BOOTSTRAP RUN : an insert, a bounded read of it, and sums kept as a changelog by
 * upsert-kafka.
 */
public class Sql {
    static List<Row> rows(TableResult result) throws Exception {
        List<Row> rows = new ArrayList<>();
        try (CloseableIterator<Row> it = result.collect()) {
            it.forEachRemaining(rows::add);
        }
        return rows;
    }

    public static void main(String[] args) throws Exception {
        String servers = args[0], run = args[1];
        TableEnvironment env = TableEnvironment.create(EnvironmentSettings.inStreamingMode());
        env.getConfig().set("parallelism.default", "1");
        env.executeSql(
                "CREATE TABLE orders (buyer STRING, cents INT, stamped TIMESTAMP_LTZ(3) METADATA"
                    + " FROM 'timestamp', off BIGINT METADATA FROM 'offset' VIRTUAL) WITH"
                    + " ('connector'='kafka', 'topic'='"
                        + run
                        + "-orders', 'properties.bootstrap.servers'='"
                        + servers
                        + "', 'properties.group.id'='"
                        + run
                        + "','scan.startup.mode'='earliest-offset',"
                        + " 'scan.bounded.mode'='latest-offset', 'format'='csv')");
        env.executeSql(
                "CREATE TABLE totals (buyer STRING, cents INT, PRIMARY KEY (buyer) NOT ENFORCED)"
                    + " WITH ('connector'='upsert-kafka', 'topic'='"
                        + run
                        + "-totals', 'properties.bootstrap.servers'='"
                        + servers
                        + "', 'properties.group.id'='"
                        + run
                        + "','scan.bounded.mode'='latest-offset', 'key.format'='csv',"
                        + " 'value.format'='csv')");
        StringJoiner values = new StringJoiner(",");
        for (int i = 0; i < 100; i++)
            values.add(
                    "('buyer"
                            + i % 5
                            + "', "
                            + i
                            + ", TO_TIMESTAMP_LTZ("
                            + (1714500000000L + i)
                            + ", 3))");
        env.executeSql("INSERT INTO orders VALUES " + values).await();
        System.out.println(
                rows(env.executeSql("SELECT COUNT(*), SUM(cents), MIN(stamped) FROM orders"))
                        .stream()
                        .reduce((a, b) -> b)
                        .get());
        env.executeSql("INSERT INTO totals SELECT buyer, SUM(cents) FROM orders GROUP BY buyer")
                .await();
        Map<Object, Object> last = new TreeMap<>();
        for (Row row : rows(env.executeSql("SELECT buyer, cents FROM totals")))
            last.put(row.getField(0), row.getField(1));
        System.out.println(last);
        if (!last.toString()
                .equals("{buyer0=950, buyer1=970, buyer2=990, buyer3=1010, buyer4=1030}"))
            System.exit(1);
        System.out.println("ok sums kept by upsert-kafka");
    }
}
