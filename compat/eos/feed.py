"""Numbers into the partitions of a topic, in order and once, until told to end; then how many.

BOOTSTRAP TOPIC PARTITIONS RATE
"""

import signal
import sys
import time

from confluent_kafka import Producer

BOOT, TOPIC = sys.argv[1:3]
PARTITIONS, RATE = int(sys.argv[3]), int(sys.argv[4])
TICK = 0.05
ending = False
failed = []


def end(*_):
    global ending
    ending = True


def told(error, _message):
    if error:
        failed.append(error)


signal.signal(signal.SIGTERM, end)
producer = Producer({
    "bootstrap.servers": BOOT, "enable.idempotence": True, "linger.ms": 5,
    "delivery.timeout.ms": 300000, "reconnect.backoff.max.ms": 200,
    "metadata.recovery.strategy": "none"})
sent, due = 0, time.monotonic()
while not ending and not failed:
    for _ in range(int(RATE * TICK)):
        producer.produce(TOPIC, str(sent), str(sent), sent % PARTITIONS, on_delivery=told)
        sent += 1
    due += TICK
    producer.poll(max(0, due - time.monotonic()))
    time.sleep(max(0, due - time.monotonic()))
left = producer.flush(120)
assert not failed and not left, (failed[:3], left)
print(sent)
