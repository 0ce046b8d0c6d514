"""What is in the topics of a chain: waits for a number of records, or compares all of it.

wait BOOTSTRAP OUT COUNT
check BOOTSTRAP COUNT FIRST GROUP TOPIC [GROUP TOPIC]...
"""

import sys
import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

BOOT = sys.argv[2]
PATIENCE = 60
admin = AdminClient({"bootstrap.servers": BOOT})


def partitions(topic):
    found = admin.list_topics(topic, 30).topics[topic].partitions
    return [TopicPartition(topic, p) for p in sorted(found)]


def ends(topic, isolation=IsolationLevel.READ_UNCOMMITTED):
    """Partition to its end: of the log, or of what is committed."""
    asked = admin.list_offsets({p: OffsetSpec.latest() for p in partitions(topic)},
                               isolation_level=isolation)
    return {p.partition: f.result().offset for p, f in asked.items()}


def reader(topic, start=None):
    consumer = Consumer({
        "bootstrap.servers": BOOT, "group.id": "verify", "isolation.level": "read_committed",
        "enable.auto.commit": False, "enable.partition.eof": True,
        "auto.offset.reset": "earliest"})
    start = start or {}
    consumer.assign([TopicPartition(topic, p.partition, max(0, start.get(p.partition, 0)))
                     for p in partitions(topic)])
    return consumer


def wait(topic, count):
    """Until so many committed records were seen; fails when none comes for long."""
    consumer, seen, last = reader(topic), 0, time.monotonic()
    while seen < count:
        message = consumer.poll(1)
        if message is not None and not message.error():
            seen, last = seen + 1, time.monotonic()
        assert time.monotonic() < last + PATIENCE, f"{topic}: {seen} of {count} records"
    consumer.close()


def read(topic, start=None):
    """Partition to its committed values, in order, up to the end."""
    consumer = reader(topic, start)
    held = {p.partition: [] for p in partitions(topic)}
    at_end = set()
    while len(at_end) < len(held):
        message = consumer.poll(PATIENCE)
        assert message is not None, f"{topic}: no end of partitions {set(held) - at_end}"
        if message.error():
            at_end.add(message.partition())
        else:
            held[message.partition()].append(message.value())
    consumer.close()
    return held


def first_difference(wanted, found):
    pairs = zip(wanted, found)
    at = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(wanted), len(found)))
    return f"from {at}: wanted {wanted[at:at + 5]} of {len(wanted)}, found {found[at:at + 5]} " \
           f"of {len(found)}"


def same(topic, wanted):
    """The topic holds exactly this, each record once and in order."""
    found = read(topic)
    for p, values in wanted.items():
        assert found[p] == values, f"{topic}-{p}: {first_difference(values, found[p])}"


def nothing_open(topic):
    committed, end = ends(topic, IsolationLevel.READ_COMMITTED), ends(topic)
    assert committed == end, f"{topic}: last stable offsets {committed}, ends {end}"


def group_is_done(group, topic, markers):
    """The group's offsets are at the end; where there are markers, nothing is behind them but
    those."""
    asked = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
    result = asked[group].result().topic_partitions
    offsets = {p.partition: p.offset for p in result if p.topic == topic}
    if markers:
        left = {p: v for p, v in read(topic, offsets).items() if v}
        assert not left, f"{group}: records behind the offsets {offsets}: {left}"
    else:
        assert offsets == ends(topic), f"{group}: offsets {offsets}, ends {ends(topic)}"


def check(count, first, *stages):
    topics = [first, *stages[1::2]]
    width = len(partitions(first))
    wanted = {p: [b"%d" % i for i in range(p, count, width)] for p in range(width)}
    for topic in topics:
        same(topic, wanted)
        nothing_open(topic)
    nothing_open("__consumer_offsets")
    for group, topic in zip(stages[::2], topics):
        group_is_done(group, topic, markers=topic != first)


if sys.argv[1] == "wait":
    wait(sys.argv[3], int(sys.argv[4]))
else:
    check(int(sys.argv[3]), *sys.argv[4:])
print("ok")
