"""What the scenarios of the log share: one place for brokers that take turns, and comparisons."""

import difflib
import pathlib
import re

from compat import kit, paths, servers

HERE = pathlib.Path(__file__).resolve().parent
SETTINGS = {
    "auto.create.topics.enable": "false",
    "log.cleaner.backoff.ms": 100,
    "log.cleaner.dedupe.buffer.size": 4_000_000,
    "log.cleaner.min.cleanable.ratio": "0.0",
    "log.index.size.max.bytes": 60_000,
    "log.retention.check.interval.ms": 500,
    "offsets.topic.segment.bytes": 1500,
    "transaction.state.log.segment.bytes": 1500,
    "zookeeper.session.timeout.ms": 6000,
}


class Place:
    """One cluster's root in ZooKeeper with one broker at a time on some data directory."""

    def __init__(self, scratch, connect):
        self.scratch, self.connect = scratch, connect
        self.port = servers.free_ports(1)[0]
        self.turns = 0
        lib = paths.jars("k39")
        built = kit.classes("log-classes", lib, *HERE.glob("*.java"))
        self.classes = f"{built}:{paths.CACHE / 'log-tool'}:{lib}/*"

    def broker(self, kind, data, cleans, **more):
        """Not yet started. Settings are written with __ for a dot."""
        self.turns += 1
        if kind == "kafka":
            servers.await_session_end(self.connect)
        return servers.Broker(kind, self.scratch / f"turn{self.turns}-{kind}",
                              self.connect + "/log", port=self.port, data=self.scratch / data,
                              more={**SETTINGS, "log.cleaner.enable": str(cleans).lower(),
                                    **{k.replace("__", "."): v for k, v in more.items()}})

    def java(self, program, *args):
        """Runs one of this folder's programs once the broker leads; its lines."""
        kit.until("the broker lists itself", lambda: kit.brokers_known(self.port) > 0, 120)
        command = kit.java(self.classes, program, f"127.0.0.1:{self.port}", *args)
        said = kit.run(command, 300)
        return said.splitlines()


def segments(directory):
    """Base offsets of a log's segments, rising."""
    return sorted(int(file.stem) for file in directory.glob("*.log"))


def logs(data):
    return sorted(d for d in data.iterdir() if re.fullmatch(r".*-\d+", d.name) and d.is_dir())


def cleaned(data):
    file = data / "cleaner-offset-checkpoint"
    rows = (line.split() for line in file.read_text().splitlines()[2:]) if file.exists() else ()
    return {f"{topic}-{partition}": int(offset) for topic, partition, offset in rows}


def compare(what, one, other):
    """Differences of two lists of lines, or of two dicts of such."""
    if isinstance(one, dict):
        return [text for key in sorted(one.keys() | other.keys())
                for text in compare(f"{what} {key}", one.get(key, []), other.get(key, []))]
    if one == other:
        return []
    rows = list(difflib.unified_diff(one, other, "kafka", "tested", n=1, lineterm=""))
    return ["\n".join([f"--- {what}", *rows[:14]])]


def complaints(broker, killed):
    """What a Kafka says that it would not say of a directory of its own making. That the
    preallocated segment of a broker that was `killed` ends in zeros it says of its own, too."""
    bad = re.compile(r"(?i)corrupt|rebuild|sanity|invalid|recover(y|ing) (failed|from)|exception")
    lines = broker.log.read_text(errors="replace").splitlines()
    return [x for x in lines if bad.search(x) and (" WARN " in x or " ERROR " in x)
            and not (killed and "preallocated-0" in x)]


def end(broker, killed):
    if killed:
        broker.kill()
    else:
        assert broker.stop() in (0, 143), broker.tail()
