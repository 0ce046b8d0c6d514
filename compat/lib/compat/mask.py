"""Removes from a tool's output what differs from one run to the next, and nothing else."""

import re

RULES = [
    (r"(127\.0\.0\.1|localhost):\d+", "HOST:PORT"),
    (r"/127\.0\.0\.1\b", "/HOST"),
    (r"\b(TopicId: )[A-Za-z0-9_-]{22}", r"\1ID"),
    (r"(Cluster ID: )[A-Za-z0-9_-]{22}", r"\1ID"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"(CreateTime|LogAppendTime|baseOffsetTime|largestTime):? ?\d{13}", r"\1:TIME"),
    (r"\b1[678]\d{11}\b", "TIME"),
    (r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[,.:]\d{3}", "TIME"),
    (r"(ducer|umer)-\d+", r"\1-N"),
    (r"(console-consumer-)\d+", r"\1N"),
]


def mask(text, replaced, rules=()):
    """The text with literal replacements done first, then `rules`, then the common ones."""
    for literal, name in replaced:
        text = text.replace(str(literal), name)
    for pattern, name in list(rules) + RULES:
        text = re.sub(pattern, name, text)
    # Tables are padded to their widest cell, which a port or a path decides.
    return "\n".join(re.sub(r"[ \t]+", " ", line).strip() for line in text.splitlines())


def without_log_lines(text):
    """Standard error without log4j's lines, which tell of timing, and stack frames."""
    lines = [x for x in text.splitlines() if not re.match(r"\[\d{4}-|\tat |\t\.\.\. ", x)]
    return "\n".join(lines)
