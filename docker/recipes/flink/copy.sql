-- Orders are made up, written to a topic, and their sums kept in another by exactly-once commits.
CREATE TEMPORARY TABLE made (buyer INT, cents INT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '10',
  'fields.buyer.min' = '0', 'fields.buyer.max' = '4',
  'fields.cents.min' = '1', 'fields.cents.max' = '100');
CREATE TABLE orders (buyer INT, cents INT) WITH (
  'connector' = 'kafka', 'topic' = 'orders', 'format' = 'json',
  'properties.bootstrap.servers' = 'broker:29092', 'properties.group.id' = 'flink',
  'scan.startup.mode' = 'earliest-offset',
  'sink.delivery-guarantee' = 'exactly-once', 'sink.transactional-id-prefix' = 'flink-orders',
  'properties.transaction.timeout.ms' = '600000');
CREATE TABLE totals (buyer INT, cents BIGINT, PRIMARY KEY (buyer) NOT ENFORCED) WITH (
  'connector' = 'upsert-kafka', 'topic' = 'totals', 'key.format' = 'json',
  'value.format' = 'json', 'properties.bootstrap.servers' = 'broker:29092');
INSERT INTO orders SELECT buyer, cents FROM made;
INSERT INTO totals SELECT buyer, SUM(cents) FROM orders GROUP BY buyer;
