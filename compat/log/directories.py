"""Whole partition directories that a crash or a hand leaves, given to Apache Kafka and to the
broker under test.

Kafka fills some topics twice over, so that there is a short and a long log of each. From these are
made a running broker's two log directories in states that both must get over (`states`), and such
that make Kafka end, or give up a log directory (`starts`). Compared are all records, what
DescribeLogDirs says, and the names of the directories that are left.
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
