"""A transaction of one record that stays open until told to end, and is then committed.

BOOTSTRAP TOPIC TRANSACTIONAL_ID TIMEOUT_MS
"""

import signal
import sys
import time

from confluent_kafka import KafkaException, Producer

BOOT, TOPIC, ID, TIMEOUT_MS = sys.argv[1:5]
PATIENCE = 60
ending = False


def end(*_):
    global ending
    ending = True


def commit():
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return producer.commit_transaction(5)
        except KafkaException as e:
            if not e.args[0].retriable() or time.monotonic() > deadline:
                raise


signal.signal(signal.SIGTERM, end)
producer = Producer({
    "bootstrap.servers": BOOT, "transactional.id": ID,
    "transaction.timeout.ms": int(TIMEOUT_MS), "reconnect.backoff.max.ms": 200,
    "metadata.recovery.strategy": "none"})
producer.init_transactions(30)
producer.begin_transaction()
producer.produce(TOPIC, ID)
assert producer.flush(30) == 0
print("open", flush=True)
while not ending:
    producer.poll(0.1)
commit()
print("committed")
