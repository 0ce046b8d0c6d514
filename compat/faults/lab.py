"""What the scenarios of faults share: a writer that keeps account, and a look at what is there."""

import contextlib
import json
import pathlib
import subprocess
import tempfile

from compat import kit, paths, tool

HERE = pathlib.Path(__file__).resolve().parent


class Writer:
    """A Java producer in a process of its own that notes what became of every number."""

    def __init__(self, scratch, broker, topic, kind="plain", size=100, rate=2000, **settings):
        built = kit.classes("faults-classes", paths.jars("k39"), HERE / "Writer.java")
        command = paths.java("k39", "log-tool", 128)
        command[-1] = f"{built}:{command[-1]}"
        more = [f"{key.replace('__', '.')}={value}" for key, value in settings.items()]
        self.log = pathlib.Path(scratch) / f"{topic}-{kind}.written"
        self.child = kit.spawn([*command, "Writer", broker.bootstrap, topic, kind, size, rate,
                                *more], self.log)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        kit.end(self.child)

    def said(self, word):
        """The lines that begin with a word, without it; a last one may be half there."""
        lines = self.log.read_text(errors="replace").split("\n")[:-1]
        return [x.split()[1:] for x in lines if x.startswith(word + " ")]

    def await_acknowledged(self, more, seconds=60):
        """Waits until so many more numbers are acknowledged."""
        before = len(self.said("ok"))
        kit.until(f"{more} more acknowledged", lambda: len(self.said("ok")) >= before + more,
                  seconds, self.child)


def done(broker, script, *args, **more):
    """A stock tool's output; it must succeed."""
    ran = tool.run(script, "--bootstrap-server", broker.bootstrap, *args, **more)
    assert ran.code == 0, (ran, broker.tail())
    return ran.out


def await_leaders(broker, topic):
    """Waits until every partition of a topic is led: a controller that has just been elected tells
    of brokers first."""
    def led():
        said = subprocess.run(["kcat", "-L", "-b", broker.bootstrap, "-t", topic],
                              capture_output=True, text=True, timeout=60, check=False).stdout
        rows = [x for x in said.splitlines() if x.lstrip().startswith("partition ")]
        return rows and all("leader -1" not in x and "Broker:" not in x for x in rows)
    kit.until(f"{topic} is led", led, 60, broker.child)


def held(broker, topic):
    """All committed records of a topic, read without a group: (partition, offset) to value."""
    out = kit.run(["kcat", "-C", "-e", "-q", "-b", broker.bootstrap, "-t", topic, "-o", "beginning",
                   "-X", "isolation.level=read_committed", "-f", "%p\t%o\t%s\n"], 60)
    rows = (line.split("\t") for line in out.splitlines())
    return {(int(p), int(o)): value.rstrip("x") for p, o, value in rows}


def check(writer, broker, topic):
    """Every acknowledged number is where the producer was told, no number is there twice, no
    aborted one is seen. Gives how many were acknowledged."""
    await_leaders(broker, topic)
    there = held(broker, topic)
    told = {(int(p), int(o)): n for p, o, n in writer.said("ok")}
    lost = {at: n for at, n in told.items() if there.get(at) != n}
    assert not lost, f"{len(lost)} of {len(told)} lost, first {sorted(lost.items())[:3]}"
    assert len(set(there.values())) == len(there), "a number is there twice"
    aborted = {n for (n,) in writer.said("aborted")} & set(there.values())
    assert not aborted, f"aborted, and seen: {sorted(aborted)[:3]}"
    return len(told)


def log_dirs(broker, topic=None):
    """kafka-log-dirs: folder to its error and its rows (partition, future, lag, size)."""
    asked = ["--topic-list", topic] if topic else []
    out = done(broker, "kafka-log-dirs", "--describe", "--broker-list", 1, *asked)
    told = json.loads(next(x for x in out.splitlines() if x.startswith("{")))
    found = {}
    for one in told["brokers"][0]["logDirs"]:
        rows = [(p["partition"], p["isFuture"], p["offsetLag"], p["size"])
                for p in one["partitions"]]
        found[one["logDir"]] = (one["error"], sorted(rows))
    return found


def move(broker, topic, partition, folder):
    """What kafka-reassign-partitions says to a move that is refused."""
    with tempfile.TemporaryDirectory() as scratch:
        file = plan(scratch, topic, {partition: folder})
        ran = tool.run("kafka-reassign-partitions", "--bootstrap-server", broker.bootstrap,
                       "--reassignment-json-file", file, "--execute", "--timeout", 3000)
    return ran.out + ran.err


def create(broker, topic, partitions, *more):
    done(broker, "kafka-topics", "--create", "--topic", topic, "--partitions", partitions, *more)


def plan(scratch, topic, places):
    """A file for kafka-reassign-partitions: partition to folder, all on broker 1."""
    rows = [{"topic": topic, "partition": p, "replicas": [1], "log_dirs": [str(folder)]}
            for p, folder in places.items()]
    file = pathlib.Path(scratch) / f"{topic}-plan.json"
    file.write_text(json.dumps({"version": 1, "partitions": rows}))
    return file


def folders(where):
    """Folders of partitions in a log directory, without those on their way out."""
    with contextlib.suppress(FileNotFoundError):
        names = [f.name for f in pathlib.Path(where).iterdir() if f.is_dir()]
        return sorted(n for n in names if not n.endswith("-delete") and n != "lost+found")
    return []
