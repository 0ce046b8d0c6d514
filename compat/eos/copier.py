"""The same as Copier.java with confluent-kafka (librdkafka).

BOOTSTRAP IN OUT GROUP TRANSACTIONAL_ID
"""

import random
import signal
import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

BOOT, IN, OUT, GROUP, ID = sys.argv[1:6]
BATCH = 100
PATIENCE = 15
COMMON = {
    "bootstrap.servers": BOOT,
    "reconnect.backoff.max.ms": 200,
    # Its way to begin anew when all brokers are down loses requests to coordinators for good.
    "metadata.recovery.strategy": "none",
}
ending = False


def end(*_):
    global ending
    ending = True


class Copier:
    """One producer and one consumer, until an error."""

    def __init__(self):
        self.producer = Producer({
            **COMMON, "transactional.id": ID, "transaction.timeout.ms": 10000, "linger.ms": 2})
        self.consumer = Consumer({
            **COMMON, "group.id": GROUP, "isolation.level": "read_committed",
            "enable.auto.commit": False, "auto.offset.reset": "earliest",
            "session.timeout.ms": 3000, "heartbeat.interval.ms": 500, "fetch.wait.max.ms": 100})
        self.batch, self.membership = [], None

    def assigned(self, consumer, partitions):
        # Not asked for later: a member that was thrown out is told as one that never was.
        self.batch.clear()
        self.membership = consumer.consumer_group_metadata()
        consumer.assign(partitions)

    def revoked(self, consumer, _partitions):
        self.batch.clear()
        consumer.unassign()

    def gather(self):
        """Fills the batch with what is there; a rebalance empties it."""
        deadline = time.monotonic() + 0.1
        while len(self.batch) < BATCH and time.monotonic() < deadline:
            message = self.consumer.poll(0.05)
            if message is not None and not message.error():
                self.batch.append(message)

    def copy(self):
        """One transaction of the batch."""
        offsets = {}
        self.producer.begin_transaction()
        for message in self.batch:
            self.producer.produce(OUT, message.value(), message.key(), message.partition())
            offsets[message.partition()] = message.offset() + 1
        again(self.producer.send_offsets_to_transaction,
              [TopicPartition(IN, p, o) for p, o in offsets.items()], self.membership)
        if random.random() < 0.1:
            again(self.producer.abort_transaction)
            self.rewind()
        else:
            again(self.producer.commit_transaction)
        self.batch.clear()

    def rewind(self):
        first = {}
        for message in self.batch:
            first.setdefault(message.partition(), message.offset())
        for partition, offset in first.items():
            self.consumer.seek(TopicPartition(IN, partition, offset))

    def run(self):
        again(self.producer.init_transactions)
        self.consumer.subscribe([IN], on_assign=self.assigned, on_revoke=self.revoked)
        try:
            while not ending:
                self.gather()
                if self.batch:
                    self.copy()
        finally:
            self.consumer.close()


def again(call, *args):
    """Repeats a call of the transactional producer as long as its error says so, and PATIENCE
    lasts."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return call(*args, 5)
        except KafkaException as e:
            error = e.args[0]
            if not error.retriable() or ending or time.monotonic() > deadline:
                raise


signal.signal(signal.SIGTERM, end)
while not ending:
    try:
        Copier().run()
    except KafkaException as e:
        print(time.strftime("%T"), "again after", e, flush=True)
