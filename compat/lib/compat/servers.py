"""Starts and ends ZooKeeper, Apache Kafka and Ottla on free ports of 127.0.0.1.

Readiness is awaited by asking the server, never by sleeping for a guessed time. Every process
ends by its own id, when its `with` block or the interpreter ends.
"""

import atexit
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

from . import paths

# Much, for a machine that does other work too.
READY_SECONDS = 180

# So that atexit ends the servers also when this program is told to end.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


class NotReady(Exception):
    """A server ended or stayed silent; carries the end of its log."""


def free_ports(count):
    """Ports that were free a moment ago, all different."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


class Process:
    """One child process with its log file; start again after kill keeps its configuration."""

    def __init__(self, name, command, directory, ready):
        self.name, self.command, self.ready = name, [str(c) for c in command], ready
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log = self.directory / f"{name}.log"
        self.child = None
        atexit.register(self.kill)

    def start(self):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.directory
            )
        deadline = time.monotonic() + READY_SECONDS
        while not self.ready():
            if self.child.poll() is not None:
                raise NotReady(f"{self.name} ended with {self.child.returncode}: {self.tail()}")
            if time.monotonic() > deadline:
                raise NotReady(f"{self.name} not ready in {READY_SECONDS} s: {self.tail()}")
            time.sleep(0.05)
        return self

    def tail(self, size=2000):
        return self.log.read_text(errors="replace")[-size:] if self.log.exists() else ""

    def kill(self):
        """SIGKILL: a crash."""
        self._end(signal.SIGKILL)

    def stop(self):
        """SIGTERM and wait: an orderly end; returns the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, how):
        if self.child is None:
            return None
        if self.child.poll() is None:
            self.child.send_signal(how)
        try:
            code = self.child.wait(READY_SECONDS)
        except subprocess.TimeoutExpired:
            self.child.kill()
            code = self.child.wait()
        self.child = None
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()


def listens(port):
    """Whether something accepts connections on the port."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def zookeeper_serves(port):
    """Whether a ZooKeeper server answers with a mode: it has a leader and takes requests."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1) as s:
            s.settimeout(2)
            s.sendall(b"srvr")
            answer = b""
            while chunk := s.recv(4096):
                answer += chunk
        return b"Mode: " in answer
    except OSError:
        return False


def zookeeper(directory, servers=1):
    """A list of not yet started ZooKeeper servers, one or an ensemble."""
    ports = free_ports(3 * servers)
    clients, peers = ports[:servers], ports[servers:]
    members = [f"server.{i + 1}=127.0.0.1:{peers[2 * i]}:{peers[2 * i + 1]}" for i in range(servers)]
    result = []
    for i, port in enumerate(clients):
        home = pathlib.Path(directory) / f"zookeeper{i + 1}"
        home.mkdir(parents=True, exist_ok=True)
        (home / "myid").write_text(f"{i + 1}\n")
        lines = ["tickTime=500", "initLimit=10", "syncLimit=5", f"dataDir={home}",
                 f"clientPort={port}", "clientPortAddress=127.0.0.1", "admin.enableServer=false",
                 "maxClientCnxns=0", "4lw.commands.whitelist=*"]
        (home / "zoo.cfg").write_text("\n".join(lines + (members if servers > 1 else [])) + "\n")
        command = paths.java("k39", "log-server", 128) + [
            "org.apache.zookeeper.server.quorum.QuorumPeerMain", home / "zoo.cfg"]
        process = Process(f"zookeeper{i + 1}", command, home, lambda p=port: zookeeper_serves(p))
        process.port = port
        result.append(process)
    return result


@contextlib.contextmanager
def running(directory, servers=1):
    """A running ensemble; gives its members."""
    members = zookeeper(directory, servers)
    try:
        for one in members:  # all at once: alone, none would become ready
            ready, one.ready = one.ready, lambda: True
            one.start()
            one.ready = ready
        deadline = time.monotonic() + READY_SECONDS
        while not all(one.ready() for one in members):
            if time.monotonic() > deadline:
                raise NotReady("ZooKeeper: " + members[0].tail())
            time.sleep(0.05)
        yield members
    finally:
        for one in members:
            one.kill()


@contextlib.contextmanager
def ensemble(directory, servers=1):
    """A running ensemble; gives its connect string, without a chroot."""
    with running(directory, servers) as members:
        yield ",".join(f"127.0.0.1:{one.port}" for one in members)


def await_session_end(connect, broker=1):
    """Waits until ZooKeeper has dropped a killed broker: Apache Kafka dies on what it left."""
    host, port = connect.split(",")[0].split("/")[0].split(":")
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        with socket.create_connection((host, int(port)), 2) as s:
            s.sendall(b"dump")
            told = b""
            while chunk := s.recv(4096):
                told += chunk
        if f"/brokers/ids/{broker}".encode() not in told:
            return
        time.sleep(0.1)
    raise NotReady("the session of a killed broker did not end")


class Broker(Process):
    """A broker under test or the oracle: `kind` is "kafka" or "ottla"."""

    def __init__(self, kind, directory, connect, port=None, data=None, more=None):
        self.kind, self.port = kind, port or free_ports(1)[0]
        directory = pathlib.Path(directory)
        self.data = pathlib.Path(data or directory / "data")
        settings = {
            "broker.id": 1,
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "log.dirs": self.data,
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 5,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "transaction.state.log.num.partitions": 5,
            "group.initial.rebalance.delay.ms": 0,
            "zookeeper.connect": connect,
            **(more or {}),
        }
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / "server.properties"
        lines = [f"{k}={v}" for k, v in settings.items() if v is not None]
        file.write_text("\n".join(lines) + "\n")
        if kind == "kafka":
            command = paths.java("k39", "log-server", 512) + ["kafka.Kafka", file]
        else:
            command = [paths.ottla(), file]
        # Other ports of it, which a proxy in front leads to, and what stands for them in outputs.
        self.behind = {}
        super().__init__(kind, command, directory, lambda: listens(self.port))

    @property
    def bootstrap(self):
        return f"127.0.0.1:{self.port}"


def under_test():
    """What BROKER names: "ottla", or "kafka" to prove the scenarios themselves."""
    return os.environ.get("BROKER", "ottla")
