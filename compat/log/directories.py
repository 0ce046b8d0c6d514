"""Whole partition directories that a crash or a hand leaves, given to Apache Kafka and to the
broker under test.

Kafka fills some topics twice over, so that there is a short and a long log of each. From these are
made a broker's two log directories, with each partition in a state that both must get over
(`states`), and with one partition in a state that Kafka ends or loses something by, or gives up a
log directory (`starts`). Compared are all records, what DescribeLogDirs says, and the names of the
directories that are left.
"""

import functools
import re
import shutil

from compat import kit, servers
from compat.result import Different
import lab

UNIQUE = "0123456789abcdef0123456789abcdef"
OTHER_ID = "AAAAAAAAAAAAAAAAAAAABw"
SETTINGS = {"log__segment__delete__delay__ms": 50, "log__initial__task__delay__ms": 50,
            "log__retention__ms": -1, "auto__leader__rebalance__enable": "false"}


class Home:
    """The two log directories of one broker, and what can be put there."""

    def __init__(self, scratch, name):
        self.root = scratch / name
        self.one, self.two = self.root / "one", self.root / "two"
        self.seeds = scratch
        for data in (self.one, self.two):
            data.mkdir(parents=True)
            shutil.copy(scratch / "long/meta.properties", data)

    def put(self, of, topic, data, suffix="", name=None):
        """The "short" or "long" log of a topic, in a directory, as `topic-0` with a suffix."""
        to = data / (name or f"{topic}-0{suffix}")
        shutil.copytree(self.seeds / of / f"{topic}-0", to)
        return to

    def future(self, of, topic, data):
        return self.put(of, topic, data, f".{UNIQUE}-future")


def empty(directory):
    """Leaves a log without records."""
    for file in directory.iterdir():
        if file.name != "partition.metadata":
            file.unlink()
    (directory / f"{0:020}.log").touch()


def identify(directory, topic_id):
    (directory / "partition.metadata").write_text(f"version: 0\ntopic_id: {topic_id}")


def current(home, topic):
    home.put("long", topic, home.one)


def deleted_alone(home, topic):
    home.put("long", topic, home.one, f".{UNIQUE}-delete")


def deleted(home, topic):
    current(home, topic)
    home.put("short", topic, home.one, f".{UNIQUE}-delete")
    home.put("long", topic, home.two, f".{UNIQUE[::-1]}-delete")
    # Kafka asks for no certain form of what is unique.
    home.put("long", topic, home.two, ".foo-delete")


def stray(home, topic):
    current(home, topic)
    home.put("short", topic, home.one, f".{UNIQUE}-stray")
    home.put("long", topic, home.two, f".{UNIQUE}-stray")


def stray_alone(home, topic):
    home.put("long", topic, home.two, f".{UNIQUE}-stray")


def future_behind(home, topic):
    current(home, topic)
    home.future("short", topic, home.two)


def future_equal(home, topic):
    current(home, topic)
    home.future("long", topic, home.two)


def future_longer(home, topic):
    home.put("short", topic, home.one)
    home.future("long", topic, home.two)


def future_empty(home, topic):
    current(home, topic)
    empty(home.future("long", topic, home.two))


def future_bare(home, topic):
    current(home, topic)
    (home.two / f"{topic}-0.{UNIQUE}-future").mkdir()


def unknown(home, topic):
    """A topic that was deleted while the broker was down, or of another cluster."""
    directory = home.put("long", "live", home.one, name=f"{topic}-0")
    identify(directory, OTHER_ID)


def unknown_future(home, topic):
    directory = home.put("long", "live", home.two, name=f"{topic}-0.{UNIQUE}-future")
    identify(directory, OTHER_ID)


def metadata_wrong(home, topic):
    identify(home.put("long", topic, home.one), OTHER_ID)


def metadata_missing(home, topic):
    (home.put("long", topic, home.one) / "partition.metadata").unlink()


def other_files(home, topic):
    """Files beside the logs, of names that would be logs' were they directories."""
    current(home, topic)
    for name in ("notes.txt", f"{topic}-1", f"{topic}-0.{UNIQUE}-future", "orders"):
        (home.two / name).write_bytes(b"x")


STATES = {
    "live": current, "deleted": deleted, "deleted-alone": deleted_alone, "stray": stray,
    "stray-alone": stray_alone, "future-behind": future_behind, "future-equal": future_equal,
    "future-longer": future_longer, "future-empty": future_empty, "future-bare": future_bare,
    "unknown": unknown, "unknown-future": unknown_future, "metadata-wrong": metadata_wrong,
    "metadata-missing": metadata_missing, "other-files": other_files,
}
# Never served: of topics that the cluster does not know, or knows by another id.
UNSERVED = ("unknown", "unknown-future", "metadata-wrong")


def seed(place, scratch, topics):
    """Two copies of all logs, one with more records than the other."""
    for name, (first, last) in {"short": (0, 20), "long": (20, 40)}.items():
        with place.broker("kafka", "seed", False, **SETTINGS) as broker:
            place.java("Places", "fill", str(first), str(last), *topics)
            lab.end(broker, False)
        shutil.copytree(scratch / "seed", scratch / name)


def start(place, kind, home):
    """A broker on both directories, not yet started."""
    return place.broker(kind, home.root.name, False, log__dirs=f"{home.one},{home.two}", **SETTINGS)


def listed(home):
    found = [f"{data.name}/{re.sub('[0-9a-f]{32}', 'UNIQUE', entry.name)}"
             for data in (home.one, home.two) for entry in data.iterdir() if entry.is_dir()]
    return sorted(found)


def is_settled(home):
    """Whether all moves are done and what is deleted is gone."""
    return not any(name.endswith(("-delete", "-future")) and "/unknown" not in name
                   for name in listed(home))


def masked(lines, home):
    return [re.sub("[0-9a-f]{32}", "UNIQUE", x.replace(str(home.root), "HOME")) for x in lines]


def states(scratch):
    """What both must get over."""
    told = {}
    with servers.ensemble(scratch) as connect:
        place = lab.Place(scratch, connect)
        seed(place, scratch, [t for t in STATES if not t.startswith("unknown")])
        asked = ["?" * (topic in UNSERVED) + topic for topic in STATES]
        for who, kind in (("kafka", "kafka"), ("tested", servers.under_test())):
            home = Home(scratch, f"of-{who}")
            for topic, make in STATES.items():
                make(home, topic)
            with start(place, kind, home) as broker:
                kit.until(f"{who} settles", lambda h=home: is_settled(h), 60, broker.child)
                served = place.java("Places", "told", *asked)
                lab.end(broker, False)
            told[who] = masked(served, home), listed(home)
    differences = lab.compare("served", told["kafka"][0], told["tested"][0])
    differences += lab.compare("directories", told["kafka"][1], told["tested"][1])
    assert sum(line.startswith("live-0 ") and " epoch " in line
               for line in told["kafka"][0]) == 40, told["kafka"][0]
    if differences:
        raise Different(f"{len(differences)} differ\n" + "\n\n".join(differences))
    return f"{len(STATES)} states, {len(told['kafka'][0])} answers and all directories equal"


def twice(home):
    home.put("long", "victim", home.one)
    home.put("short", "victim", home.two)


def two_futures(home):
    future_behind(home, "victim")
    home.put("long", "victim", home.two, f".{UNIQUE[::-1]}-future")


def future_beside(home):
    current(home, "victim")
    home.future("short", "victim", home.one)


def future_alone(home):
    home.future("long", "victim", home.two)


def future_of_another(home):
    current(home, "victim")
    identify(home.future("short", "victim", home.two), OTHER_ID)


def metadata(text, home):
    (home.put("long", "victim", home.two) / "partition.metadata").write_text(text)


def future_metadata(home):
    current(home, "victim")
    (home.future("long", "victim", home.two) / "partition.metadata").write_text("garbage\n")


def file_in_place(home):
    """Both make the log, which is nowhere, first in the directory with fewer logs."""
    (home.two / "victim-0").write_bytes(b"x")


def named(names, home):
    current(home, "victim")
    for name in names:
        (home.two / name).mkdir()


# No partition's: Kafka ends. One of them is that of every file system's root.
NAMES = ["notes", "orders", "orders-x", "orders-0.-delete", "orders-delete", "orders.foo-delete",
         "orders-99999999999", "-0", "lost+found"]
# A partition's, though oddly written; and what Kafka itself keeps beside the logs.
ODD_NAMES = ["orders--1", "orders-+5", "orders-007", "remote-log-index-cache"]
EQUAL = {
    "metadata-garbage": functools.partial(metadata, "garbage\n"),
    "metadata-version": functools.partial(metadata, f"version: 1\ntopic_id: {OTHER_ID}"),
    "future-metadata-garbage": future_metadata,
    "file-in-place": file_in_place,
    "odd-names": functools.partial(named, ODD_NAMES),
}
ENDS = "ends with 1"
ALL_SERVED = ["live-0 ends 40", "safe-0 ends 40", "victim-0 ends 40"]
# Where the broker under test goes on safely: the state, what Kafka makes of it, and what else is
# to be found with the other.
ON_PURPOSE = {
    # A disk that failed amid a move: the longer log is served, the other kept aside.
    "twice": (twice, ENDS, [*ALL_SERVED, "one/victim-0", "two/victim-0.UNIQUE-stray"]),
    # Any copy can be made again from the log.
    "two-futures": (two_futures, ENDS, [*ALL_SERVED, "two/victim-0"]),
    # It never gets the name that the log has there. Kafka keeps both, and the move never ends.
    "future-beside": (future_beside, "future true", [*ALL_SERVED, "one/victim-0"]),
    # Kafka makes an empty log and empties the copy after it: all records are lost.
    "future-alone": (future_alone, "victim-0 ends 0", [*ALL_SERVED, "two/victim-0"]),
    # Kafka's answer to LeaderAndIsr is UNKNOWN_SERVER_ERROR for all partitions.
    "future-of-another": (future_of_another, "future true", [
        *ALL_SERVED, "one/victim-0", "two/victim-0.UNIQUE-stray"]),
    # Kafka ends by an accident (a null), where it else gives up the directory.
    "metadata-empty": (functools.partial(metadata, ""), ENDS, [
        "live-0 ends 40", "safe-0 ends KAFKA_STORAGE_ERROR", "two/victim-0"]),
    # Kafka gives up the directory, not only the partition.
    "metadata-zero": (functools.partial(metadata, f"version: 0\ntopic_id: {'A' * 22}"),
                      "safe-0 ends KAFKA_STORAGE_ERROR",
                      [*ALL_SERVED[:2], "victim-0 ends NOT_LEADER_OR_FOLLOWER", "two/victim-0"]),
    "names": (functools.partial(named, NAMES), ENDS,
              [*ALL_SERVED, *(f"two/{name}" for name in NAMES)]),
}
# For a broker that ends before it has looked at all of them.
ONE_NAME = {f"name {name}": functools.partial(named, [name]) for name in NAMES}


def home_of(scratch, name, make):
    home = Home(scratch, name)
    for topic, data in (("live", home.one), ("other", home.one), ("safe", home.two)):
        home.put("long", topic, data)
    make(home)
    return home


def outcome(place, kind, home, awaited=()):
    """What a broker makes of a state, when the awaited directories are there: all that it serves
    and leaves, or with which code it ends, and what it says then."""
    broker = start(place, kind, home)
    try:
        broker.start()
    except servers.NotReady:
        assert broker.child.poll() is not None, broker.tail()
        return [f"ends with {broker.child.returncode}"], broker.log.read_text(errors="replace")
    try:
        kit.until("directories", lambda: set(awaited) <= set(listed(home)), 60, broker.child)
        served = place.java("Places", "told", "live", "safe", "other", "?victim")
        if awaited:
            kit.until("deleted", lambda: not any(x.endswith(".UNIQUE-delete") for x in listed(home)),
                      60, broker.child)
        lab.end(broker, False)
    finally:
        broker.kill()
    return masked(served, home) + listed(home), broker.log.read_text(errors="replace")


def misses(what, wanted, found):
    return [f"{what}: no {line!r} in\n" + "\n".join(x for x in found if " epoch " not in x)
            for line in wanted if not any(line in x for x in found)]


def starts(scratch):
    """What Kafka does not get over, or not whole."""
    tested, differences = servers.under_test(), []
    with servers.ensemble(scratch) as connect:
        place = lab.Place(scratch, connect)
        seed(place, scratch, ["live", "safe", "other", "victim"])

        def of(kind, side, name, make, awaited=()):
            return outcome(place, kind, home_of(scratch, f"{name}-{side}", make), awaited)
        for name, make in EQUAL.items():
            kafka, _ = of("kafka", "kafka", name, make)
            ours, said = of(tested, "tested", name, make)
            differences += lab.compare(name, kafka, ours)
            if tested != "kafka" and any("KafkaStorageException" in x for x in ours):
                differences += misses(f"{name}, its log", ["/two"], said.splitlines())
        for name, make in ONE_NAME.items():
            kafka, said = of("kafka", "kafka", name, make)
            differences += misses(f"{name} of Kafka", [ENDS], kafka)
            differences += misses(f"{name}, Kafka's log", ["is not in the form"], [said])
        for name, (make, theirs, wanted) in ON_PURPOSE.items():
            if name != "names":
                kafka, _ = of("kafka", "kafka", name, make)
                differences += misses(f"{name} of Kafka", [theirs], kafka)
            if tested != "kafka":
                awaited = [x for x in wanted if x.startswith(("one/", "two/"))]
                ours, _ = of(tested, "tested", name, make, awaited)
                differences += misses(f"{name} of the tested", wanted, ours)
    if differences:
        raise Different(f"{len(differences)} differ\n" + "\n\n".join(differences))
    return (f"{len(EQUAL)} states equal; {len(ON_PURPOSE)} more and {len(NAMES)} names that Kafka "
            "does not get over")
