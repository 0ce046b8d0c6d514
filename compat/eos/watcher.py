"""A member of a group that prints each committed value and commits offsets now and then.

BOOTSTRAP TOPIC GROUP SESSION_MS
"""

import signal
import sys

from confluent_kafka import Consumer

BOOT, TOPIC, GROUP, SESSION_MS = sys.argv[1:5]
ending = False


def end(*_):
    global ending
    ending = True


signal.signal(signal.SIGTERM, end)
consumer = Consumer({
    "bootstrap.servers": BOOT, "group.id": GROUP, "isolation.level": "read_committed",
    "auto.offset.reset": "earliest", "session.timeout.ms": int(SESSION_MS),
    "heartbeat.interval.ms": 500, "auto.commit.interval.ms": 500,
    "reconnect.backoff.max.ms": 200, "metadata.recovery.strategy": "none"})
consumer.subscribe([TOPIC])
while not ending:
    message = consumer.poll(0.1)
    if message is not None and not message.error():
        print(message.value().decode(), flush=True)
consumer.close()
