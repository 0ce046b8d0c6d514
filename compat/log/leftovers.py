"""What a crash leaves amid a swap, given to Apache Kafka and to the broker under test.

One log is compacted; from its files before and after are made the directories that each step of
the swap leaves (`LocalLog.replaceSegments`, and `splitOverflowedSegment`), and others that Kafka's
`LogLoader` has rules for. Both start on the same ones. Compared are the files that are left and all
that is served.
"""

import hashlib
import shutil

from compat import kit, servers
from compat.result import Different
import lab

KINDS = ["log", "index", "timeindex", "txnindex"]
CHECKPOINT = "recovery-point-offset-checkpoint"
# Accidents after which Kafka serves aborted records as committed, since it takes a segment without
# a transaction index for one without aborted transactions, or keeps half a batch.
WORSE = ("only-log-swap", "torn-swap", "empty-swap")
# And these, where the end of a transaction is lost, when the producers are read from the logs:
# Ottla trusts the snapshots of producers that are there, Kafka removes them.
LOST = ("without-log", "log-deleted", "only-index", "only-timeindex", "only-txnindex")
# An index that is gone is made anew with the others; Kafka has kept the one of the swap.
REBUILT = ("swap-without-log", "swap-without-index", "swap-without-timeindex")


def name(base, kind):
    return f"{base:020}.{kind}"


class Swap:
    """A log before and after compaction, and one group of segments that became one."""

    def __init__(self, before, after):
        self.before, self.after = read(before), read(after)
        olds, news = lab.segments(before), lab.segments(after)
        groups = []
        for at, base in enumerate(news[:-1]):
            group = [old for old in olds if base <= old < news[at + 1]]
            if len(group) > 1 and name(base, "txnindex") in self.after:
                groups.append((base, group))
        assert groups, f"no group of segments became one with aborted transactions: {olds} {news}"
        self.base, self.group = groups[-1]
        self.olds, self.active = olds, olds[-1]

    def new(self, *kinds):
        """The files of the compacted segment, as they are in the end."""
        return {name(self.base, kind): self.after[name(self.base, kind)] for kind in kinds}

    def old(self, bases=None, kinds=KINDS):
        """Names of files of the segments that were compacted."""
        wanted = [name(base, kind) for base in bases or self.group for kind in kinds]
        return [one for one in wanted if one in self.before]


def read(directory):
    return {f.name: f.read_bytes() for f in directory.iterdir() if f.is_file()}


def suffixed(files, suffix):
    return {name + suffix: content for name, content in files.items()}


def renamed(files, names, suffix):
    return {key + suffix if key in names else key: content for key, content in files.items()}


def without(files, *names):
    return {key: content for key, content in files.items() if key not in names}


def steps(swap):
    """The directory after each step of a swap."""
    whole = swap.new(*KINDS)
    first = swap.new("log")
    half = {key: content[:len(content) // 2] for key, content in first.items()}
    yield "cleaning", {**swap.before, **suffixed(half, ".cleaned")}
    for count in range(5):
        done, left = swap.new(*KINDS[:count]), swap.new(*KINDS[count:])
        yield f"named-{count}", {
            **swap.before, **suffixed(done, ".swap"), **suffixed(left, ".cleaned")}
    state = {**swap.before, **suffixed(whole, ".swap")}
    for count, gone in enumerate(swap.old()):
        state = renamed(state, [gone], ".deleted")
        yield f"retired-{count}", state
    for count, kind in enumerate(KINDS):
        state = {key.removesuffix(".swap") if key.startswith(name(swap.base, kind) + ".swap")
                 else key: content for key, content in state.items()}
        yield f"placed-{count}", state
    snapshots = swap.old(swap.group[1:], ["snapshot"])
    yield "forgotten", renamed(state, snapshots, ".deleted")
    yield "half-removed", {key: content for key, content in state.items()
                           if not key.endswith("index.deleted")}


def oddities(swap):
    """Directories that no step leaves, by accident of a file system or a hand."""
    whole, log = swap.new(*KINDS), swap.new("log")
    swapped = {**swap.before, **suffixed(whole, ".swap")}
    middle = swap.group[1]
    for kind in KINDS:
        yield f"only-{kind}-swap", {**swap.before, **suffixed(swap.new(kind), ".swap")}
        yield f"without-{kind}", without(swap.before, name(swap.base, kind))
        yield f"only-{kind}", without(swap.before, *set(swap.old([swap.base])) - {
            name(swap.base, kind)})
        yield f"{kind}-cleaned", {**swap.before, **suffixed(swap.new(kind), ".cleaned")}
        yield f"{kind}-deleted", renamed(swap.before, [name(swap.base, kind)], ".deleted")
        yield f"swap-without-{kind}", without(swapped, name(swap.base, kind) + ".swap")
    # A swap at or after a `.cleaned` is of a split that did not get far (KAFKA-6264).
    empty = {name(swap.base, "log"): b""}
    for at in (0, swap.base, middle, swap.active):
        yield f"cleaned-at-{at}-and-swap", {
            **swapped, **suffixed({name(at, "log"): b""}, ".cleaned")}
    yield "empty-swap", {**swap.before, **suffixed(empty, ".swap")}
    torn = {key: content[:-7] for key, content in log.items()}
    yield "torn-swap", {**swap.before, **suffixed(torn, ".swap")}
    two = {name(base, kind): swap.before[name(base, kind)]
           for base in swap.group[:2] for kind in KINDS if name(base, kind) in swap.before}
    yield "split-in-two", {**without(swap.before, *swap.old(swap.group[:2])),
                           **suffixed(two, ".swap")}
    yield "split-over-one", {**without(swap.before, *swap.old([middle])), **suffixed(two, ".swap")}
    yield "middle-gone", without(swap.before, *swap.old([middle]))
    yield "first-gone", without(swap.before, *swap.old([swap.olds[0]]))
    yield "active-gone", without(swap.before, *swap.old([swap.active]))
    yield "all-deleted", renamed(swap.before, swap.old(swap.olds), ".deleted")
    yield "no-snapshots", {k: c for k, c in swap.before.items() if not k.endswith(".snapshot")}
    yield "unknown-files", {**swap.before, "notes.txt": b"x", name(swap.base, "log") + ".bak": b"x",
                            "7.deleted": b"", "notes.deleted": b""}
    yield "temporary", {**swap.before, "leader-epoch-checkpoint.tmp": b"0\n0\n",
                        name(swap.base, "snapshot") + ".tmp": b"x"}
    stray = {name(base, "snapshot"): swap.before[name(middle, "snapshot")]
             for base in (swap.base + 1, swap.active + 100_000)}
    yield "stray-snapshots", {**swap.before, **stray}
    yield "index-of-nothing", {**swap.before, name(swap.base + 1, "index"): b"",
                               name(swap.base + 1, "txnindex"): b"x"}
    zeros = {name(swap.base, "index"): bytes(800), name(swap.base, "timeindex"): bytes(1200)}
    yield "zeroed-indexes", {**swap.before, **zeros}


def write(data, states, recovered_to):
    """Gives each topic's directory the files of its state, and all the same recovery point."""
    for topic, files in states.items():
        directory = data / f"{topic}-0"
        for file in directory.iterdir():
            if file.name != "partition.metadata":
                file.unlink()
        for key, content in files.items():
            if key != "partition.metadata":
                (directory / key).write_bytes(content)
    rows = [f"{topic} 0 {recovered_to}" for topic in states]
    (data / CHECKPOINT).write_text("\n".join(["0", str(len(rows)), *rows]) + "\n")
    (data / "log-start-offset-checkpoint").write_text("0\n0\n")
    (data / ".kafka_cleanshutdown").unlink(missing_ok=True)


def left(data, names, recovered):
    """The files in each topic's directory, with a checksum where both must have the same bytes:
    logs, and transaction indexes that nobody made anew. Snapshots of producers are kept or made
    for speed only, and half of a file (`.tmp`) is read by nobody."""
    found = {}
    for topic, (what, _) in names.items():
        rows = []
        for file in sorted((data / f"{topic}-0").iterdir()):
            trusted = recovered and what not in REBUILT
            same = file.suffix == ".log" or file.suffix == ".txnindex" and trusted
            content = file.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:12] if same else ""
            if file.suffix not in (".snapshot", ".tmp"):
                rows.append(f"{file.name} {len(content) if same else ''} {digest}".rstrip())
        found[topic] = rows
    return found


def comparable(what, served, files, recovered):
    """What must be equal of one state's answers and files."""
    if what in WORSE or not recovered and what in LOST:
        return [x for x in served if x.startswith("read_uncommitted")], []
    return served, files


def by_topic(lines, topics):
    found = {topic: [] for topic in topics}
    for line in lines:
        words = line.split(" ")
        found[words[1].removesuffix("-0")].append(line)
    return found


def seed(place, topics):
    """The log before and after it was compacted; topics are made beside it, empty."""
    with place.broker("kafka", "seed", False) as broker:
        place.java("Leave", "make", *topics)
        lab.end(broker, False)
    log = place.scratch / "seed/seed-0"
    shutil.copytree(log, place.scratch / "before")
    goal = max(lab.segments(log))
    with place.broker("kafka", "seed", True) as broker:
        kit.until("cleaned", lambda: lab.cleaned(broker.data).get("seed-0", 0) >= goal, 60)
        lab.end(broker, False)
    return Swap(place.scratch / "before", log)


def leftovers(recovered, scratch):
    """Differences of what is left and served; `recovered`: the recovery point is at the active
    segment, as the cleaner wants it, else 0."""
    differences, told = [], {}
    # As many as there are states.
    topics = [f"state-{n:02}" for n in range(80)]
    with servers.ensemble(scratch) as connect:
        place = lab.Place(scratch, connect)
        swap = seed(place, topics)
        names = dict(zip(topics, [*steps(swap), *oddities(swap)], strict=False))
        assert len(names) < len(topics), "more states than topics"
        states = {topic: files for topic, (_, files) in names.items()}
        write(scratch / "seed", states, swap.active if recovered else 0)
        for who, kind in (("kafka", "kafka"), ("tested", servers.under_test())):
            shutil.copytree(scratch / "seed", scratch / f"of-{who}")
            with place.broker(kind, f"of-{who}", False) as broker:
                served = by_topic(place.java("Leave", "serve", *states), states)
                lab.end(broker, False)
            told[who] = served, left(scratch / f"of-{who}", names, recovered)
    for topic, (what, _) in names.items():
        kafka, tested = (comparable(what, *(part[topic] for part in told[who]), recovered)
                         for who in ("kafka", "tested"))
        differences += lab.compare(f"{what} served", kafka[0], tested[0])
        differences += lab.compare(f"{what} files", kafka[1], tested[1])
    if differences:
        raise Different(f"{len(differences)} differ\n" + "\n\n".join(differences))
    records = sum(map(len, told["kafka"][0].values()))
    return f"{len(states)} directories, {records} answers and all files equal"
