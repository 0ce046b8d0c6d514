"""kafka-transactions: what is open, what hangs, and how an operator ends it.

A transaction hangs when records of it are in a partition and its coordinator knows of none, as
before KIP-890: written here while the partition does not ask the coordinator.
"""

import time

import lab
from compat import kit, tool, wire
from compat.result import require_equal

BOOT = ("--bootstrap-server", "{B}")
TWO_HOURS = 7_200_000
VERIFY = "transaction.partition.verification.enable"
# Producer ids depend on what ran before on the same brokers; the stray one is ours.
IDS = [(r"(?m)^(\S+-tx\s+\d+\s+)\d+", r"\1ID"), (r"(?m)^((?:\d\s+)?\S+-tx\s+)\d+", r"\1ID"),
       (r"\b(1[678]\d{11}\s+)\d+ ?(?=\s)", r"\1MS"),  # a duration
       (r"(?m)^(t-\w+\s+\d\s+)(?!777777)\d+", r"\1ID"), (r"(?m)^(?!777777)\d+(\s+0\s+)", r"ID\1"),
       # How often the client asked until it gave up.
       (r"\b(tries=|after )\d+(?=, next| attempt)", r"\1N")]


def transactions(p, *args, **how):
    return p.run("kafka-transactions", *BOOT, *args, rules=IDS, **how)


def verification(p, *change):
    p.run("kafka-configs", *BOOT, "--alter", "--entity-type", "brokers", "--entity-default",
          *change, expect="Completed")


def fill(broker):
    """One transaction that is open, one that ended, two that hang."""
    boot, now = broker.bootstrap, int(time.time() * 1000)
    opened = wire.Producer(boot, "open-tx")
    opened.add("t-open")
    opened.produce("t-open", "open", now)
    done = wire.Producer(boot, "done-tx")
    done.add("t-open")
    done.produce("t-open", "done", now)
    done.end(True)
    wire.Producer(boot, "hung-tx").produce("t-hung", "hung", now - TWO_HOURS)
    stray = wire.Producer(boot, "never-tx", producer=(777777, 3))
    stray.produce("t-hung", "stray", now - TWO_HOURS)

    def is_done():
        return "CompleteCommit" in tool.run("kafka-transactions", "--bootstrap-server", boot,
                                            "describe", "--transactional-id", "done-tx").out
    kit.until("done-tx is done", is_done, 20)
    return opened


def hanging(scratch):
    """kafka-transactions list, describe, describe-producers, find-hanging, abort; 3.9 and 4.3"""
    p = lab.fresh_pair(scratch)
    for topic in ("t-open", "t-hung"):
        p.run("kafka-topics", *BOOT, "--create", "--topic", topic)
    verification(p, "--add-config", f"{VERIFY}=false")
    opened = [fill(broker) for broker in p.brokers]
    verification(p, "--delete-config", VERIFY)
    for name in ("open-tx", "done-tx", "hung-tx", "absent"):
        transactions(p, "describe", "--transactional-id", name)
    for topic in ("t-open", "t-hung", "absent"):
        transactions(p, "describe-producers", "--topic", topic, "--partition", 0, order=False)
    for where in (("--broker-id", 9), ("--topic", "t-hung"), ("--topic", "t-open"),
                  ("--topic", "t-hung", "--partition", 0),
                  ("--broker-id", 1, "--max-transaction-timeout", 180)):
        transactions(p, "find-hanging", *where, order=False)
    for kafka in ("k39", "k4"):
        transactions(p, "list", kafka=kafka, order=False, expect="hung-tx")
        transactions(p, "find-hanging", "--broker-id", 1, kafka=kafka, order=False,
                     expect="777777")
    transactions(p, "list", "--duration-filter", 3_600_000, kafka="k4", order=False)
    abort = ("abort", "--topic", "t-hung", "--partition", 0)
    transactions(p, *abort, "--start-offset", 7)
    transactions(p, *abort, "--start-offset", 0)
    transactions(p, *abort, "--producer-id", 777777, "--producer-epoch", 2,
                 "--coordinator-epoch", 0)
    transactions(p, *abort, "--start-offset", 1, kafka="k4")
    transactions(p, *abort, "--start-offset", 1)
    transactions(p, "find-hanging", "--broker-id", 1)
    transactions(p, "describe-producers", "--topic", "t-hung", "--partition", 0, order=False,
                 expect="None")
    p.run("kafka-console-producer", *BOOT, "--topic", "t-hung", stdin="after\n")
    p.run("kafka-console-consumer", *BOOT, "--topic", "t-hung", "--from-beginning",
          "--isolation-level", "read_committed", "--max-messages", 1, "--timeout-ms", 20000,
          expect="after")
    for producer in opened:
        producer.end(False)
    return require_equal(p)


SCENARIOS = [hanging]
