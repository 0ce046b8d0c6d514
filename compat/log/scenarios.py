"""The log beside Apache Kafka's: what compaction leaves, and directories that change hands.

One directory is filled, copied, and compacted by Kafka 3.9 and by the broker under test; then each
goes on with what the other has left. Compared are dumps of the files and all that is served.
"""

import functools
import re
import shutil
import time

from compat import kit, servers, tool
from compat.result import Different
import directories
import dumps
import lab
import leftovers

# What Fill writes has times in 2023 and 2096; all others are of this run.
NOW = re.compile(r"\b(?!1700000|4000000)[1-3]\d{12}\b")
YOUNG_FROM = 60  # offset of the first record of `min-lag` that is too young


def cleanable(data, undecided):
    """How far each compacted log can be cleaned: up to the active segment, or to what is young or
    undecided."""
    goals = {}
    for log in lab.logs(data):
        bases = lab.segments(log)
        limit = {"ongoing-0": undecided, "min-lag-0": YOUNG_FROM}.get(log.name, bases[-1])
        goal = max((b for b in bases if b <= limit), default=0)
        if goal > bases[0] and log.name != "deleted-0":
            goals[log.name] = goal
    return goals


def await_cleaned(broker, goals):
    def behind():
        done = lab.cleaned(broker.data)
        left = {log: (done.get(log, 0), goal) for log, goal in goals.items()
                if done.get(log, 0) < goal}
        if not lab.segments(broker.data / "expired-0")[0]:
            left["expired-0"] = "retention"
        return left
    deadline = time.monotonic() + 60
    while left := behind():
        assert time.monotonic() < deadline, f"{broker.kind} does not clean {left} {broker.tail()}"
        time.sleep(0.05)


def dump(data):
    """Every log's files as lines, by kafka-dump-log; what must differ is masked."""
    found = {}
    for log in lab.logs(data):
        files = sorted(log.glob("*.log"))
        decoder = {"__consumer_offsets": ["--offsets-decoder"],
                   "__transaction_state": ["--transaction-log-decoder"]}
        more = decoder.get(log.name.rsplit("-", 1)[0], ["--print-data-log"])
        ran = tool.run("kafka-dump-log", "--files", ",".join(map(str, files)),
                       "--deep-iteration", *more)
        assert ran.code == 0, ran.err[-2000:]
        found[log.name] = mask(log.name, ran.out.replace(str(data), "DATA"))
    return found


def mask(log, text):
    epochs = {}
    lines = []
    for line in text.splitlines():
        line = re.sub(r"LeaderEpoch: (\d+)",
                      lambda m: f"LeaderEpoch: E{epochs.setdefault(m[1], len(epochs))}", line)
        horizon = "deleteHorizonMs: OptionalLong[" in line
        line = re.sub(r"OptionalLong\[\d+\]", "OptionalLong[SET]", line)
        # Compressors differ; of what is written now, the time does.
        now = NOW.search(line)
        line = NOW.sub("NOW", line)
        if "compresscodec: none" not in line or horizon or now or log.startswith("__"):
            line = re.sub(r"\bcrc: \d+", "crc: N", line)
        if log.startswith("codec-") and log != "codec-none-0" or log == "headers-0":
            line = re.sub(r"\b(size|position): \d+", r"\1: N", line)
        lines.append(line)
    return lines


def expected_time(lines, log, at):
    """The answer that follows from the records: the first that is not before the time."""
    topic = log.rsplit("-", 1)[0]
    for line in lines:
        words = line.split(" ")
        if words[:2] == ["read_uncommitted", topic] and words[2] != "ends":
            if int(words[4]) >= int(at):
                return f"{words[2]} {words[4]}"
    return "-1 -1"


def check_times(lines, data):
    """The answers less those for times in logs with an empty segment, and what is wrong of these.

    Kafka takes such a segment for one with records of the time its file was written, looks for
    the record there and answers that there is none."""
    empty = {log.name for log in lab.logs(data)
             if any(not file.stat().st_size for file in sorted(log.glob("*.log"))[:-1])}
    left, wrong = [], []
    for line in lines:
        kind, log, at, *answer = line.split(" ") if line.startswith("time ") else ("", "", "")
        if log not in empty or not at.isdigit():
            left.append(line)
        elif not log.startswith(("__", "transactions", "ongoing")):  # markers have times, too
            right = expected_time(lines, log, at)
            wrong += [f"{line}, not {right}"] if " ".join(answer) != right else []
    return left, wrong


def timeless(lines):
    """The answers less what depends on the millisecond in which a batch was appended."""
    return [NOW.sub("NOW", x) for x in lines if not x.startswith("time append-time-0 largest")]


def clean_and_serve(place, kind, data, goals, killed):
    with place.broker(kind, data, True) as broker:
        await_cleaned(broker, goals)
        told = place.java("Serve")
        lab.end(broker, killed)
    return told, lab.complaints(broker, killed) if kind == "kafka" else []


def compaction(first, killed, rounds, scratch):
    tested = servers.under_test()
    differences = []
    with servers.ensemble(scratch) as connect:
        place = lab.Place(scratch, connect)
        kind = "kafka" if first == "kafka" else tested
        with place.broker(kind, "filled", False) as broker:
            said = place.java("Fill", 1)
            lab.end(broker, killed)
        producers = next(x for x in said if x.startswith("producers")).split()[1:]
        undecided = int(next(x for x in said if x.startswith("ongoing")).split()[1])
        filled = scratch / "filled"
        homes = {"kafka": "of-kafka", "tested": "of-tested"}
        turn = {"kafka": "kafka", "tested": tested}
        for round_ in range(1, rounds + 1):
            told, dumps = {}, {}
            for who, home in homes.items():
                if round_ == 1:
                    shutil.copytree(filled, scratch / home)
                goals = cleanable(scratch / home, undecided)
                told[who], bad = clean_and_serve(place, turn[who], home, goals, killed)
                told[who], wrong = check_times(told[who], scratch / home)
                differences += wrong if turn[who] != "kafka" else []
                differences += bad
                dumps[who] = dump(scratch / home)
            differences += lab.compare(f"round {round_} dump", dumps["kafka"], dumps["tested"])
            told = {who: timeless(lines) for who, lines in told.items()}
            differences += lab.compare(f"round {round_} served", told["kafka"], told["tested"])
            # Each goes on with what the other left.
            homes = {"kafka": homes["tested"], "tested": homes["kafka"]}
            after, again = {}, {}
            for who, home in homes.items():
                with place.broker(turn[who], home, False) as broker:
                    after[who], wrong = check_times(place.java("Serve"), scratch / home)
                    differences += wrong if turn[who] != "kafka" else []
                    after[who] = timeless(after[who])
                    if round_ < rounds:
                        place.java("Fill", round_ + 1, *producers)
                    else:
                        again[who] = place.java("Again", *producers)
                    lab.end(broker, killed)
                if turn[who] == "kafka":
                    differences += lab.complaints(broker, killed)
            differences += lab.compare(f"round {round_} handed over to tested", told["kafka"],
                                   after["tested"])
            differences += lab.compare(f"round {round_} handed over to kafka", told["kafka"],
                                   after["kafka"])
        differences += lab.compare("duplicates", again["kafka"], again["tested"])
        assert sum(" found " in line for line in again["kafka"]) == 3, again["kafka"]
        lines = sum(map(len, dumps["kafka"].values()))
    if differences:
        raise Different(f"{len(differences)} differ\n" + "\n\n".join(differences))
    return f"{lines} lines of dumps and {len(told['kafka'])} of answers equal"


def scenario(name, what, body, *args, fast=False):
    return kit.scenario(name, what, functools.partial(body, *args), fast)


SCENARIOS = [
    scenario("compacted_and_handed_over", "one directory compacted by both, then served by the other",
             compaction, "kafka", False, 1, fast=True),
    scenario("rounds_with_kills", "two rounds of writing, compaction, kill -9 and change of hands",
             compaction, "tested", True, 2),
    scenario("rounds", "the same with orderly ends", compaction, "kafka", False, 2),
    scenario("dumps", "kafka-dump-log on every file after kill -9, compaction and a move",
             dumps.dumps),
    scenario("leftovers", "directories as a crash leaves them at each step of a swap",
             leftovers.leftovers, True),
    scenario("leftovers_unrecovered", "the same, all to be recovered", leftovers.leftovers, False),
    scenario("directories", "whole partition directories that a crash or a hand leaves",
             directories.states),
    scenario("directories_kafka_stops_at", "such that Apache Kafka ends or loses something by",
             directories.starts),
]
