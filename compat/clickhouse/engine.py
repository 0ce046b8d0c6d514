"""engine.py BOOTSTRAP RUN : ClickHouse's Kafka engine (librdkafka) inside chdb: INSERT produces, a materialized view consumes."""

import sys, tempfile, time
from chdb import session

servers, run = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    s = session.Session(folder)
    s.query("CREATE DATABASE t ENGINE = Atomic")
    s.query(
        f"""CREATE TABLE t.queue (id UInt64, buyer String) ENGINE = Kafka SETTINGS kafka_broker_list = '{servers}',
        kafka_topic_list = '{run}', kafka_group_name = '{run}-clickhouse', kafka_format = 'JSONEachRow',
        kafka_flush_interval_ms = 500, kafka_poll_timeout_ms = 200"""
    )
    s.query(
        "INSERT INTO t.queue SELECT number, concat('buyer', toString(number % 7)) FROM numbers(1000)"
    )
    s.query(
        "CREATE TABLE t.rows (id UInt64, buyer String, topic String, off UInt64) ENGINE = MergeTree ORDER BY id"
    )
    s.query(
        "CREATE MATERIALIZED VIEW t.feed TO t.rows AS SELECT id, buyer, _topic AS topic, _offset AS off FROM t.queue"
    )
    end = time.monotonic() + 60
    while (
        got := str(
            s.query("SELECT count(), uniqExact(id), uniqExact(off) FROM t.rows", "CSV")
        ).strip()
    ) != "1000,1000,1000":
        if time.monotonic() > end:
            sys.exit(
                f"only {got}: "
                + str(s.query("SELECT exceptions.text FROM system.kafka_consumers", "CSV"))
            )
        time.sleep(0.2)
    print("ok rows, ids, offsets:", got)
    s.close()
