"""Exactly once under fire: chains of transactional producers, killed at random, and brokers too.

EOS_SEED repeats a run's kills, EOS_SECONDS makes a run shorter or longer.
"""

import functools
import os
import random

import fire
import handover
import states
from compat import kit

CHAIN = [("k39", 2), ("librdkafka", 2), ("k4", 2)]
SHORT = [("k4", 1), ("librdkafka", 2)]


def burn(brokers, stages, seconds, scratch):
    seed = int(os.environ.get("EOS_SEED", random.randrange(1 << 32)))
    print(f"EOS_SEED={seed}", flush=True)
    with fire.cluster(scratch, brokers) as started:
        said = fire.run(scratch, started, stages, int(os.environ.get("EOS_SECONDS", seconds)), seed)
    return f"{said}; EOS_SEED={seed}"


def scenario(name, what, brokers, stages, seconds, fast=False):
    version = f"{kit.V['KAFKA_VERSION']}, {kit.V['KAFKA4_VERSION']}, librdkafka"
    return kit.scenario(name, what, functools.partial(burn, brokers, stages, seconds), fast, version)


SCENARIOS = [
    scenario("short", "Java and librdkafka, half a minute of kill -9", 1, SHORT, 20, True),
    scenario("chain", "Java 3.9, librdkafka, Java 4.3; kill -9 for ten minutes", 1, CHAIN, 600),
    scenario("three_brokers", "the same on three brokers, killed in turn", 3, CHAIN, 300),
    kit.scenario("handover_live", "Ottla, Kafka 3.9 and back on one directory under live groups and "
                 "open transactions", handover.live, version=kit.V["KAFKA_VERSION"]),
    kit.scenario("states_to_kafka", "transactions in every state, written here, loaded and ended by "
                 "Kafka 3.9", states.to_kafka, version=kit.V["KAFKA_VERSION"]),
    kit.scenario("states_from_kafka", "transactions in every state, written by Kafka 3.9, loaded "
                 "and ended here", states.from_kafka, version=kit.V["KAFKA_VERSION"]),
]
