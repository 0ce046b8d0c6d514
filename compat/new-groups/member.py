"""The same member by confluent-kafka.  member.py SERVERS GROUP PROTOCOL INSTANCE|- TOPIC|re:P"""

import sys
import threading

from confluent_kafka import Consumer, KafkaException

servers, group, protocol, instance, topic = sys.argv[1:]
over = threading.Event()


def say(line):
    print(line, flush=True)


def show(consumer):
    try:
        partitions = consumer.assignment()
    except KafkaException:  # it is closing
        partitions = []
    say("assigned " + " ".join(sorted(f"{p.topic}-{p.partition}" for p in partitions)))


def assigned(consumer, partitions):
    if protocol == "consumer":
        consumer.incremental_assign(partitions)
    else:
        consumer.assign(partitions)
    show(consumer)


def revoked(consumer, partitions):
    if protocol == "consumer":
        consumer.incremental_unassign(partitions)
    else:
        consumer.unassign()
    show(consumer)


def wait_for_end():
    sys.stdin.read()
    over.set()


settings = {"bootstrap.servers": servers, "group.id": group, "group.protocol": protocol,
            "auto.offset.reset": "earliest", "enable.auto.commit": False,
            "topic.metadata.refresh.interval.ms": 1000}
if instance != "-":
    settings["group.instance.id"] = instance
if protocol == "classic":
    settings |= {"session.timeout.ms": 6000, "heartbeat.interval.ms": 500}
consumer = Consumer(settings)
subscription = topic.removeprefix("re:") if topic.startswith("re:") else topic
consumer.subscribe([subscription], on_assign=assigned, on_revoke=revoked)
threading.Thread(target=wait_for_end, daemon=True).start()
while not over.is_set():
    read = [m for m in consumer.consume(100, 0.2) if not m.error()]
    for m in read:
        say(f"record {m.topic()} {m.partition()} {m.offset()} {m.value().decode()}")
    try:
        if read:
            consumer.commit(asynchronous=False)
    except KafkaException as late:
        say(f"uncommitted {late}")
consumer.close()
say("closed")
