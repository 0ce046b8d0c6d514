"""The main job: a real log file in, kill -9, start again, read back by a group byte for byte."""

import hashlib
import random

from compat import servers, tool

MEGABYTES = 20


def write_log_file(path):
    """A deterministic log of about 20 MB: long and short lines, other scripts, odd characters."""
    chance = random.Random(39)
    odd = ["ž", "🐎", "\t", "\\n", '"', "{}", "\x01", "漢字", "%s", "é", " ", "\x7f", "ß"]
    levels = ["INFO", "WARN", "ERROR", "DEBUG"]
    size = 0
    with open(path, "w", encoding="utf-8", newline="") as out:
        n = 0
        while size < MEGABYTES << 20:
            length = 3000 if n % 997 == 0 else chance.randrange(20, 160)
            tail = "".join(chance.choice(odd) if chance.random() < 0.05 else
                           chr(chance.randrange(32, 127)) for _ in range(length))
            line = "" if n % 501 == 0 else (
                f"2026-01-01T00:00:{n % 60:02}.{n % 1000:03}Z {chance.choice(levels)} "
                f"[worker-{n % 13}] {n} {tail}")
            size += out.write(line + "\n")
            n += 1
    return n


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def in_crash_out(scratch, connect):
    source, back = scratch / "source.log", scratch / "back.log"
    lines = write_log_file(source)
    with servers.Broker(servers.under_test(), scratch / "broker", connect) as broker:
        boot = ("--bootstrap-server", broker.bootstrap)
        made = tool.run("kafka-topics", *boot, "--create", "--topic", "lines")
        assert made.code == 0, made
        with open(source, "rb") as stdin:
            sent = tool.run_alone("kafka-console-producer", *boot, "--topic", "lines", stdin=stdin)
        assert sent.returncode == 0 and not sent.stderr, sent.stderr.decode()
        broker.kill()
        if broker.kind == "kafka":
            servers.await_session_end(connect)
        broker.start()
        with open(back, "wb") as stdout:
            got = tool.run_alone("kafka-console-consumer", *boot, "--topic", "lines", "--group",
                                 "readers", "--from-beginning", "--max-messages", lines,
                                 "--timeout-ms", 60000, stdout=stdout)
        told = got.stderr.decode()
        assert f"total of {lines} messages" in told, told[-2000:] + broker.tail()
        assert digest(source) == digest(back), "the file came back changed"
        lag = tool.run("kafka-consumer-groups", *boot, "--describe", "--group", "readers")
        row = [x.split() for x in lag.out.splitlines() if x.startswith("readers")]
        assert row and row[0][3:6] == [str(lines), str(lines), "0"], lag
    return f"{lines} lines, {source.stat().st_size} bytes, equal after kill -9"


def main_job_embedded(scratch):
    """log file in, kill -9, out again by a group, on the embedded store"""
    if servers.under_test() == "kafka":
        with servers.ensemble(scratch) as connect:  # Kafka has no embedded store
            return in_crash_out(scratch, connect)
    return in_crash_out(scratch, None)


def main_job_ensemble(scratch):
    """log file in, kill -9, out again by a group, on three ZooKeeper servers"""
    with servers.ensemble(scratch, 3) as connect:
        return in_crash_out(scratch, connect + "/ottla")


SCENARIOS = [main_job_embedded, main_job_ensemble]
