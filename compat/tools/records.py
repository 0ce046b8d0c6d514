"""The console producer and consumer, kafka-get-offsets, kafka-delete-records, kafka-dump-log."""

import json
import subprocess

import lab
from compat import kit
from compat.result import require_equal

BOOT = ("--bootstrap-server", "{B}")
KEYED = ("--property", "parse.key=true", "--property", "key.separator=:")
SHOW_ALL = [x for name in ("key", "value", "offset", "partition", "timestamp", "headers")
            for x in ("--property", f"print.{name}=true")]


def create(p, topic, *more):
    p.run("kafka-topics", *BOOT, "--create", "--topic", topic, *more, expect="Created")


def produce(p, topic, text, *more, **how):
    p.run("kafka-console-producer", *BOOT, "--topic", topic, *more, stdin=text, **how)


def consume(p, topic, count, *more, **how):
    return p.run("kafka-console-consumer", *BOOT, "--topic", topic, "--max-messages", count,
                 "--timeout-ms", 20000, *more, expect=f"total of {count} messages", **how)


def console(scratch):
    """console producer and consumer: plain, keys, headers, timestamps, offsets, 3.9 and 4.3"""
    p = lab.fresh_pair(scratch)
    create(p, "console")
    produce(p, "console", "one\ntwo\n\nžluťoučký kůň 🐎\n")
    produce(p, "console", "k1:v1\nk2:v2\n", *KEYED)
    produce(p, "console", "h1:a,h2:b\tkey\tvalue\n", "--property", "parse.headers=true",
            "--property", "parse.key=true")
    produce(p, "console", "from four\n", kafka="k4")
    for kafka in ("k39", "k4"):
        consume(p, "console", 8, "--from-beginning", kafka=kafka)
        consume(p, "console", 8, "--from-beginning", *SHOW_ALL, kafka=kafka)
    consume(p, "console", 3, "--partition", 0, "--offset", 4, *SHOW_ALL)
    consume(p, "console", 2, "--partition", 0, "--offset", "earliest", *SHOW_ALL)
    consume(p, "console", 2, "--from-beginning", "--isolation-level", "read_committed")
    return require_equal(p)


def codecs(scratch):
    """each compression codec and each acks, in and out"""
    p = lab.fresh_pair(scratch)
    create(p, "codecs")
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        produce(p, "codecs", "".join(f"{codec} {i}\n" for i in range(50)),
                "--compression-codec", codec)
    for acks in ("0", "1", "all"):
        produce(p, "codecs", f"acks {acks}\n", "--producer-property", f"acks={acks}",
                "--producer-property", "enable.idempotence=false")
    consume(p, "codecs", 253, "--from-beginning", *SHOW_ALL)
    return require_equal(p)


def groups_of_consumers(scratch):
    """console consumer in a group goes on where the group was"""
    p = lab.fresh_pair(scratch)
    create(p, "grouped", "--partitions", 1)
    produce(p, "grouped", "".join(f"line {i}\n" for i in range(10)))
    consume(p, "grouped", 4, "--group", "cg", "--from-beginning")
    consume(p, "grouped", 6, "--group", "cg", "--property", "print.offset=true")
    p.run("kafka-consumer-groups", *BOOT, "--describe", "--group", "cg", expect="grouped")
    return require_equal(p)


def offsets(scratch):
    """kafka-get-offsets with each time, kafka-delete-records"""
    p = lab.fresh_pair(scratch)
    create(p, "offs", "--partitions", 2)
    produce(p, "offs", "".join(f"k{i}:v\n" for i in range(9)), *KEYED)
    for kafka in ("k39", "k4"):
        for time in ("-1", "-2", "-3", "latest", "earliest", "1000", "99999999999999"):
            p.run("kafka-get-offsets", *BOOT, "--topic", "offs", "--time", time, kafka=kafka,
                  rules=[(r"(offs:\d):\d+", r"\1:N")] if time == "-3" else [])
        p.run("kafka-get-offsets", *BOOT, "--topic-partitions", "offs:1,offs:0", kafka=kafka)
    p.run("kafka-get-offsets", *BOOT, "--topic", "absent")
    for name, offset in (("some", 2), ("more", 10000), ("rest", -1)):
        file = scratch / f"{name}.json"
        entry = {"topic": "offs", "partition": 0, "offset": offset}
        file.write_text(json.dumps({"partitions": [entry], "version": 1}))
        p.run("kafka-delete-records", *BOOT, "--offset-json-file", file)
        p.run("kafka-get-offsets", *BOOT, "--topic", "offs", "--time", "earliest")
    return require_equal(p)


def dump_log(scratch):
    """kafka-dump-log reads what the broker wrote: segments, indexes, snapshots, offsets"""
    p = lab.fresh_pair(scratch)
    create(p, "dumped", "--config", "segment.bytes=1000000", "--config", "index.interval.bytes=100")
    produce(p, "dumped", "".join(f"{i}:v{i}\n" for i in range(20)), *KEYED)
    consume(p, "dumped", 20, "--group", "dumpers", "--from-beginning")
    rules = [(r"(CRC|crc): \d+", "CRC"), (r"(producerId|baseSequence): \d+", r"\1:N"),
             (r"size: \d+", "SIZE"), (r"lastTimestamp: \d+", "TIME")]
    base = "{DATA}/dumped-0/" + "0" * 20
    p.run("kafka-dump-log", "--files", base + ".log", rules=rules, expect="baseOffset")
    p.run("kafka-dump-log", "--files", base + ".log", "--deep-iteration", "--print-data-log",
          rules=rules, expect="payload: v19")
    p.run("kafka-dump-log", "--files", base + ".log", "--deep-iteration", rules=rules, kafka="k4")
    p.run("kafka-dump-log", "--files", base + ".index", "--verify-index-only", rules=rules)
    for index in (".index", ".timeindex"):
        p.run("kafka-dump-log", "--files", base + index, "--index-sanity-check", rules=rules,
              expect="sanity check")
    return require_equal(p)


def kcat(scratch):
    """kcat (librdkafka) produces, consumes and lists"""
    kit.need("kcat")
    p = lab.fresh_pair(scratch)
    create(p, "cats")
    told = []
    for broker in p.brokers:
        def cat(*args, text=None):
            done = subprocess.run(["kcat", "-b", broker.bootstrap, *args], input=text,
                                  capture_output=True, text=True, timeout=60, check=False)
            return f"{args} exit {done.returncode}\n{done.stdout}"
        out = cat("-P", "-t", "cats", "-K:", text="".join(f"k{i}:v{i}\n" for i in range(100)))
        out += cat("-P", "-t", "cats", "-z", "lz4", "-H", "a=b", text="headed\n")
        out += cat("-C", "-t", "cats", "-e", "-q", "-f", "%p %o %k %s %h\n")
        out += cat("-C", "-t", "cats", "-o", "-2", "-e", "-q")
        out += cat("-Q", "-t", "cats:0:-1").replace(broker.bootstrap, "B")
        told.append(out)
    p.compare("kcat", *told)
    assert "k99 v99" in told[0], told[0]
    return require_equal(p)


SCENARIOS = [console, codecs, groups_of_consumers, offsets, dump_log, kcat]
