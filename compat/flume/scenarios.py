"""Real Flume agents: a Kafka channel drained over kill -9, Kafka sink, Kafka source, a restart."""

import functools
import pathlib
import signal
import socket

from compat import kit, servers

HERE = pathlib.Path(__file__).resolve().parent
EVENTS = 20_000


class Agents:
    """The agents of agent.properties over one broker, their files in one directory."""

    def __init__(self, version, scratch):
        self.lib = kit.jars(f"flume-{version}", HERE / "pom.xml", flume_version=version)
        self.home, self.port = scratch, servers.free_ports(1)[0]
        names = {"SERVERS": kit.broker().bootstrap, "RUN": kit.unique(f"flume-{version}"),
                 "DIR": scratch, "PORT": self.port, "EVENTS": EVENTS}
        text = (HERE / "agent.properties").read_text()
        for name, value in names.items():
            text = text.replace(f"@{name}@", str(value))
        (scratch / "agent.properties").write_text(text)

    def start(self, name):
        (self.home / name).mkdir(exist_ok=True)
        command = kit.java(f"{self.lib}/*", "org.apache.flume.node.Application",
                           "--no-reload-conf", "-n", name, "-f", self.home / "agent.properties")
        return kit.spawn(command, self.home / f"{name}.log")

    def lines(self, name):
        return [x for f in (self.home / name).iterdir() for x in f.read_text().splitlines()]

    def send(self, lines):
        """Lines to the netcat source, which answers OK for each that the channel took."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as c:
            c.settimeout(30)
            c.sendall(b"".join(line.encode() + b"\n" for line in lines))
            answers = c.makefile()
            for _ in lines:
                assert answers.readline() == "OK\n"


def channel(version, scratch):
    agents = Agents(version, scratch)
    fill, drain = agents.start("fill"), agents.start("drain")
    kit.until("some of the channel drained", lambda: len(agents.lines("drain")) > 1000, 90, drain)
    kit.end(drain, signal.SIGKILL)
    part = len(set(agents.lines("drain")))
    assert part < EVENTS, "nothing was left to drain at the kill"
    drain = agents.start("drain")
    kit.until(f"all {EVENTS} drained after the kill",
              lambda: len(set(agents.lines("drain"))) >= EVENTS, 90, drain)
    got = agents.lines("drain")
    assert {int(x) for x in got} == set(range(EVENTS)), "other events than were made"
    kit.end(drain)
    kit.end(fill)
    return f"killed after {part}, {EVENTS} of {EVENTS} events, {len(got) - EVENTS} twice"


def sink_and_source(version, scratch):
    agents = Agents(version, scratch)
    sink, source = agents.start("out"), agents.start("back")
    kit.until("netcat source listens", lambda: servers.listens(agents.port), 60, sink)
    sent = [f"line {i}" for i in range(1000)]
    agents.send(sent)
    kit.until("1000 lines back", lambda: len(set(agents.lines("back"))) >= 1000, 90, source)
    kit.end(source)
    source = agents.start("back")
    agents.send(["the last line"])
    kit.until("the restarted source goes on", lambda: "the last line" in agents.lines("back"), 90,
              source)
    got = agents.lines("back")
    assert sorted(got) == sorted(sent + ["the last line"]), f"{len(got)} lines of 1001"
    kit.end(source)
    kit.end(sink)
    return "1001 lines, each once over a clean restart"


def scenarios():
    for v in kit.V["FLUME_VERSIONS"].split():
        name = v.replace(".", "_")
        fast = v == "1.11.0"
        yield kit.scenario(f"channel_{name}", "Kafka channel, its reader killed with kill -9",
                           functools.partial(channel, v), fast, v)
        yield kit.scenario(f"sink_and_source_{name}", "Kafka sink, Kafka source, clean restart",
                           functools.partial(sink_and_source, v), fast, v)


SCENARIOS = list(scenarios())
