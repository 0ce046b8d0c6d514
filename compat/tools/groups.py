"""kafka-consumer-groups: list, describe, every reset mode, delete, delete-offsets."""

import lab
from compat.result import require_equal

BOOT = ("--bootstrap-server", "{B}")


def groups(p, *args, **how):
    return p.run("kafka-consumer-groups", *BOOT, *args, **how)


def with_group(p, topic, group, count=10, partitions=2):
    """A topic with `count` records over its partitions and a group at its end."""
    p.run("kafka-topics", *BOOT, "--create", "--topic", topic, "--partitions", partitions)
    p.run("kafka-console-producer", *BOOT, "--topic", topic, "--property", "parse.key=true",
          "--property", "key.separator=:", stdin="".join(f"k{i}:v{i}\n" for i in range(count)))
    p.run("kafka-console-consumer", *BOOT, "--topic", topic, "--group", group, "--from-beginning",
          "--max-messages", count, "--timeout-ms", 20000, order=False,
          expect=f"total of {count} messages")


def list_and_describe(scratch):
    """kafka-consumer-groups lists and describes: offsets, members, state; 3.9 and 4.3"""
    p = lab.fresh_pair(scratch)
    with_group(p, "gl", "listed")
    for kafka in ("k39", "k4"):
        groups(p, "--list", kafka=kafka, order=False, expect="listed")
        groups(p, "--list", "--state", kafka=kafka, order=False)
        groups(p, "--list", "--state", "Empty", kafka=kafka, order=False)
        groups(p, "--describe", "--group", "listed", kafka=kafka, order=False, expect="gl")
        groups(p, "--describe", "--group", "listed", "--members", kafka=kafka)
        groups(p, "--describe", "--group", "listed", "--members", "--verbose", kafka=kafka)
        groups(p, "--describe", "--group", "listed", "--state", kafka=kafka, expect="Empty")
        groups(p, "--describe", "--group", "absent", kafka=kafka)
        groups(p, "--list", "--type", "classic", kafka=kafka, order=False)
    p.run("kafka-groups", *BOOT, "--list", kafka="k4", order=False)
    groups(p, "--describe", "--all-groups", "--state", order=False)
    return require_equal(p)


RESETS = [
    ("--to-earliest",), ("--to-latest",), ("--to-offset", 3), ("--to-offset", 999),
    ("--shift-by", -2), ("--shift-by", 100), ("--by-duration", "PT1H"),
    ("--to-datetime", "2001-01-01T00:00:00.000"), ("--to-datetime", "2099-01-01T00:00:00.000"),
    ("--to-current",),
]


def reset_offsets(scratch):
    """kafka-consumer-groups --reset-offsets in every mode, dry run, export and execute"""
    p = lab.fresh_pair(scratch)
    with_group(p, "gr", "resetters")
    for mode in RESETS:
        groups(p, "--reset-offsets", "--group", "resetters", "--topic", "gr", *mode, "--dry-run",
               order=False)
        groups(p, "--reset-offsets", "--group", "resetters", "--all-topics", *mode, "--execute",
               order=False)
        groups(p, "--describe", "--group", "resetters", "--offsets", order=False)
    file = scratch / "offsets.csv"
    file.write_text('"gr",0,1\n"gr",1,2\n')
    groups(p, "--reset-offsets", "--group", "resetters", "--from-file", file, "--execute",
           order=False)
    groups(p, "--reset-offsets", "--group", "resetters", "--topic", "gr:1", "--to-earliest",
           "--export", order=False)
    groups(p, "--reset-offsets", "--group", "brand-new", "--topic", "gr", "--to-latest",
           "--execute", order=False)
    groups(p, "--describe", "--group", "brand-new", order=False)
    return require_equal(p)


def delete(scratch):
    """kafka-consumer-groups deletes offsets of a topic, and groups"""
    p = lab.fresh_pair(scratch)
    with_group(p, "gd", "doomed")
    groups(p, "--delete-offsets", "--group", "doomed", "--topic", "gd:0", order=False)
    groups(p, "--describe", "--group", "doomed", order=False)
    groups(p, "--delete-offsets", "--group", "doomed", "--topic", "gd", order=False)
    groups(p, "--delete-offsets", "--group", "absent", "--topic", "gd", order=False)
    groups(p, "--delete", "--group", "doomed")
    groups(p, "--delete", "--group", "doomed")
    groups(p, "--describe", "--group", "doomed")
    return require_equal(p)


SCENARIOS = [list_and_describe, reset_offsets, delete]
