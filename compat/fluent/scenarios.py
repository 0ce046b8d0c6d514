"""Fluentd's Kafka plugins (ruby-kafka's fixed requests), Fluent Bit's (librdkafka's settings)."""

import functools
import pathlib
import sys

import replay
from compat import kit

HERE = pathlib.Path(__file__).resolve().parent
RUBY = "ruby-kafka's versions and bytes; gems are in no reachable registry"
BIT = "the plugins' librdkafka and settings; Fluent Bit is in no package registry"


def ruby_kafka(_scratch):
    broker = kit.broker()
    said = kit.run([sys.executable, HERE / "ruby_kafka.py", "127.0.0.1", broker.port,
                    kit.unique("fluentd")], expect="400 records")
    return said.strip()


def fluent_bit(librdkafka, _scratch):
    python = kit.python(f"fluent-bit-{librdkafka}", f"confluent-kafka=={librdkafka}")
    said = kit.run([python, HERE / "fluent_bit.py", kit.broker().bootstrap,
                    kit.unique("fluent-bit")], expect=" ok 1000 records")
    return said.strip()


SCENARIOS = [
    kit.scenario("ruby_kafka", "create, produce, group, fetch, commit, configs, delete",
                 ruby_kafka, True, "1.5.0", RUBY),
    kit.scenario("captured", "the requests that Fluentd sent once, byte for byte",
                 replay.captured, True, "1.15.3", RUBY),
    kit.scenario("captured_transactions", "its transactions' requests, byte for byte",
                 replay.captured_transactions, True, "1.5.0", RUBY),
    *(kit.scenario(f"fluent_bit_{v.replace('.', '_')}", "out_kafka out, in_kafka in",
                   functools.partial(fluent_bit, v), v == "2.15.1", v, BIT)
      for v in kit.V["FLUENT_BIT_LIBRDKAFKA"].split()),
]
