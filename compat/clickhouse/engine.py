"""ClickHouse's Kafka engine (librdkafka) inside chdb: INSERT produces, a view consumes.

engine.py BOOTSTRAP RUN
"""

import sys
import tempfile
import time

from chdb import session

SERVERS, RUN = sys.argv[1:]
QUEUE = f"""CREATE TABLE t.queue (id UInt64, buyer String) ENGINE = Kafka SETTINGS
    kafka_broker_list = '{SERVERS}', kafka_topic_list = '{RUN}',
    kafka_group_name = '{RUN}-clickhouse', kafka_format = 'JSONEachRow',
    kafka_flush_interval_ms = 500, kafka_poll_timeout_ms = 200"""
INSERT = """INSERT INTO t.queue
    SELECT number, concat('buyer', toString(number % 7)) FROM numbers(1000)"""
ROWS = """CREATE TABLE t.rows (id UInt64, buyer String, part UInt64, off UInt64)
    ENGINE = MergeTree ORDER BY id"""
FEED = """CREATE MATERIALIZED VIEW t.feed TO t.rows AS
    SELECT id, buyer, _partition AS part, _offset AS off FROM t.queue"""
COUNT = """SELECT count(), uniqExact(id), uniqExact((part, off)),
    countIf(buyer = concat('buyer', toString(id % 7))) FROM t.rows"""
FAULTS = "SELECT exceptions.text FROM system.kafka_consumers"

with tempfile.TemporaryDirectory() as folder:
    s = session.Session(folder)
    s.query("CREATE DATABASE t ENGINE = Atomic")
    for statement in (QUEUE, INSERT, ROWS, FEED):
        s.query(statement)
    end = time.monotonic() + 60
    while (got := str(s.query(COUNT, "CSV")).strip()) != "1000,1000,1000,1000":
        if time.monotonic() > end:
            sys.exit(f"only {got}: " + str(s.query(FAULTS, "CSV")))
        time.sleep(0.2)
    print("ok rows, ids, offsets, values:", got)
    s.close()
