"""The tools that measure or verify: their numbers are masked, their shape and counts compared."""

import lab
from compat.result import require_equal

BOOT = ("--bootstrap-server", "{B}")
NUMBERS = [(r"\d+\.\d+", "F")]


def create(p, topic):
    p.run("kafka-topics", *BOOT, "--create", "--topic", topic, expect="Created")


def perf(scratch):
    """kafka-producer-perf-test and kafka-consumer-perf-test"""
    p = lab.fresh_pair(scratch)
    create(p, "perf")
    last = [(r"(?s).*(5000 records sent)", r"\1"), (r"[\d.]+ ms", "N ms"), *NUMBERS]
    props = ("--producer-props", "bootstrap.servers={B}")
    for acks in ("1", "all"):
        p.run("kafka-producer-perf-test", "--topic", "perf", "--num-records", 5000,
              "--record-size", 100, "--throughput", -1, *props, f"acks={acks}", rules=last,
              expect="5000 records sent")
    p.run("kafka-get-offsets", *BOOT, "--topic", "perf", expect="perf:0:10000")
    table = [(r"(?m)^TIME.*", "ROW"), (r"(?m)^\d{4}-.*", "ROW")]
    p.run("kafka-consumer-perf-test", *BOOT, "--topic", "perf", "--messages", 10000, rules=table,
          expect="start.time")
    return require_equal(p)


def latency(scratch):
    """kafka-e2e-latency"""
    p = lab.fresh_pair(scratch)
    create(p, "e2e")
    p.run("kafka-e2e-latency", "{B}", "e2e", 50, "all", 100, rules=[
        (r"(?m)^\d+\t.*", "ROW"), (r"Percentiles:.*", "PERCENTILES"), *NUMBERS],
        expect="Percentiles")
    return require_equal(p)


def verifiable(scratch):
    """kafka-verifiable-producer and kafka-verifiable-consumer"""
    p = lab.fresh_pair(scratch)
    create(p, "vp")
    rules = [(r'"timestamp":\d+', '"timestamp":N'), (r'"(\w*throughput)":[\d.]+', r'"\1":N')]
    p.run("kafka-verifiable-producer", *BOOT, "--topic", "vp", "--max-messages", 20, rules=rules,
          order=False, alone=True, expect="producer_send_success")
    p.run("kafka-verifiable-consumer", *BOOT, "--topic", "vp", "--group-id", "vg",
          "--max-messages", 20, "--reset-policy", "earliest", order=False, rules=rules + [
              (r'(?m)^.*"name":"(records_consumed|offsets_committed)".*$', "")],
          expect="partitions_assigned")
    return require_equal(p)


SCENARIOS = [perf, latency, verifiable]
