"""What kafka-dump-log says of the files: after kill -9, compaction and a move to another disk."""

import json
import re

from compat import kit, servers, tool
import lab

# Non-consecutive offsets are a compacted log's by right.
BAD = re.compile(r"(?i)\bfound\b|mismatch|out of order|invalid bytes|index timestamp|exception|corrupt|error|failed")
# Batches that are emptied and kept for their producer keep their largest time: in the index, and in
# no record. The tool complains of it after Kafka's own cleaner, too.
UNLIKE = {("idempotent", "timeindex"), ("transactions-gone", "timeindex")}
DECODERS = {"__consumer_offsets": ["--offsets-decoder"],
            "__transaction_state": ["--transaction-log-decoder"]}


def ask(files, *more):
    """The tool's lines on these files; complaints if there are."""
    if not files:
        return [], []
    ran = tool.run("kafka-dump-log", "--files", ",".join(map(str, files)), *more)
    lines = ran.out.splitlines()
    # Values may say what they like: they are dumped behind `payload:`.
    said = lines + ran.err.splitlines()
    bad = [x for x in said if BAD.search(x.split(" payload: ")[0])]
    if ran.code:
        bad.append(f"exit {ran.code} of {more}: {ran.err[-500:]}")
    return lines, bad


def every_file(data, all_closed):
    """Asks about all files of all logs; how many were looked at, and all complaints. The indexes of
    an active segment have room ahead until it is closed, and no tool reads them before."""
    count, complaints = 0, []
    for log in lab.logs(data):
        topic = log.name.rsplit("-", 1)[0]
        active = "" if all_closed else f"{lab.segments(log)[-1]:020}"
        files = {kind: [f for f in sorted(log.glob(f"*.{kind}")) if f.stem != active]
                 for kind in ("log", "index", "timeindex", "txnindex", "snapshot")}
        if topic != "preallocated":  # whose active segment ends in zeros
            files["log"] = sorted(log.glob("*.log"))
        decoder = DECODERS.get(topic, ["--print-data-log"])
        lines, bad = ask(files["log"], "--deep-iteration", *decoder)
        complaints += bad
        for file in files["log"]:
            assert any(f"Dumping {file}" in x for x in lines), f"{file} is not in the dump"
        for kind in ("index", "timeindex"):
            lines, bad = ask(files[kind], "--index-sanity-check")
            passed = [x for x in lines if x.endswith(("passed sanity check.", " is empty."))]
            # One without an entry is dumped as such.
            assert len(passed) == len(files[kind]), (lines, files[kind])
            complaints += bad
            if (topic, kind) not in UNLIKE:
                complaints += ask(files[kind], "--verify-index-only")[1] + ask(files[kind])[1]
        complaints += ask(files["txnindex"])[1] + ask(files["snapshot"])[1]
        count += sum(map(len, files.values()))
    return count, complaints


def move_all(place, scratch, target):
    """Moves every replica to a folder by the stock tool."""
    rows = [{"topic": log.name.rsplit("-", 1)[0], "partition": int(log.name.rsplit("-", 1)[1]),
             "replicas": [1], "log_dirs": [str(target)]} for log in lab.logs(scratch / "dumped")]
    plan = scratch / "plan.json"
    plan.write_text(json.dumps({"version": 1, "partitions": rows}))

    def reassign(how):
        ran = tool.run("kafka-reassign-partitions", "--bootstrap-server",
                       f"127.0.0.1:{place.port}", "--reassignment-json-file", plan, how)
        assert ran.code == 0, ran
        return ran.out

    def listed():
        ran = tool.run("kafka-topics", "--bootstrap-server", f"127.0.0.1:{place.port}", "--list")
        return set(ran.out.split())
    # A controller that has just begun tells of the brokers first.
    kit.until("its topics are known", lambda: listed() >= {row["topic"] for row in rows}, 60)
    reassign("--execute")
    kit.until("moved", lambda: reassign("--verify").count("completed successfully") >= len(rows),
              120)
    return len(rows)


def dumps(scratch):
    """Complaints of the tool about what the broker wrote; there must be none."""
    kind, counts, complaints = servers.under_test(), [], []

    def look(what, data, all_closed):
        count, bad = every_file(data, all_closed)
        counts.append(count)
        complaints.extend(f"{what}: {line}" for line in bad)
    data, other = scratch / "dumped", scratch / "moved"
    with servers.ensemble(scratch) as connect:
        place = lab.Place(scratch, connect)
        with place.broker(kind, "dumped", True) as broker:
            place.java("Fill", 1)
            kit.until("some are compacted", lambda: len(lab.cleaned(data)) > 5, 60, broker.child)
            broker.kill()
        look("after kill -9", data, False)
        with place.broker(kind, "dumped", True) as broker:
            place.java("Serve")
            lab.end(broker, False)
        look("recovered and compacted", data, True)
        with place.broker(kind, "dumped", True, log__dirs=f"{data},{other}") as broker:
            moved = move_all(place, scratch, other)
            lab.end(broker, False)
        assert len(lab.logs(other)) == moved, lab.logs(other)
        look("moved", other, True)
    assert not complaints, f"{len(complaints)} complaints\n" + "\n".join(complaints[:20])
    return f"{' + '.join(map(str, counts))} files, no complaint"
