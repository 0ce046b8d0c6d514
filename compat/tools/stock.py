"""What a new user does first: no file at all, our sample file, and the server.properties that
comes with Kafka as it is, with the ports and folders that they name.

Nothing of the machine is touched: the broker and its ZooKeeper run in a network, a mount table and
a host name of their own (unshare), where 2181, 9092 and /tmp/kafka-logs are free. That takes root.
Run as a program, this file is what runs inside.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys

from compat import paths, result, servers, tool

STOCK = paths.REPOSITORY / "tests/broker/stock.properties"
DATA = pathlib.Path("/tmp/kafka-logs")
SECONDS = 120
# linux/sockios.h, linux/if.h
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def stock_server_properties(scratch):
    """the stock server.properties starts it as it is: ZooKeeper on localhost:2181, port 9092"""
    return inside("stock", scratch)


def first_start(scratch):
    """with no file it serves 127.0.0.1:9092 from ./data, config/server.yaml goes on with that"""
    if servers.under_test() == "kafka":
        return "Apache Kafka needs a file and ZooKeeper"
    return inside("first", scratch)


def inside(what, scratch):
    """Runs this file in a network of its own; the last line that it says."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        raise result.Skip("root and unshare, for a network of the broker's own")
    own = not DATA.exists()
    DATA.mkdir(exist_ok=True)
    try:
        path = {"PYTHONPATH": str(paths.COMPAT / "lib")}
        child = subprocess.Popen(
            ["unshare", "--net", "--mount", "--uts", sys.executable, __file__,
             what, scratch],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, **path}, start_new_session=True)
        try:
            said, _ = child.communicate(timeout=SECONDS)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    finally:
        if own:
            DATA.rmdir()
    if "Operation not permitted" in said and "unshare" in said:
        raise result.Skip(f"a machine that lets root unshare: {said.strip()}")
    assert child.returncode == 0, said
    return said.splitlines()[-1]


def enter():
    """The loopback up, the host called localhost, an empty /tmp/kafka-logs that ends with us."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    socket.sethostname("localhost")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"stock", bytes(DATA), b"tmpfs", 0, None):
        raise OSError(ctypes.get_errno(), "mount")


def done(script, *args, **more):
    """A stock tool's output on localhost:9092, where every guide has it; it must succeed."""
    ran = tool.run(script, "--bootstrap-server", "localhost:9092", *args, **more)
    assert ran.code == 0, ran
    return ran.out


def znode(path):
    """What ZooKeeper's own shell reads."""
    command = paths.java("k39", "log-tool", 64) + [
        "org.apache.zookeeper.ZooKeeperMain", "-server", "localhost:2181", "get", path]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return json.loads(next(x for x in ran.stdout.splitlines() if x.startswith("{")))


def broker(scratch, *arguments):
    """The one under test, not started, with these arguments and nothing else."""
    kind = servers.under_test()
    kafka = paths.java("k39", "log-server", 512) + ["kafka.Kafka"]
    command = [*(kafka if kind == "kafka" else [paths.ottla()]), *arguments]
    return servers.Process(kind, command, scratch / "broker", lambda: servers.listens(9092))


def first(scratch):
    """No argument, then our sample file in the same folder."""
    with broker(scratch) as one:
        done("kafka-topics", "--create", "--topic", "first", "--partitions", 3)
        done("kafka-console-producer", "--topic", "first", stdin="one\n")
        assert one.stop() == 0, one.tail()
    data = scratch / "broker/data"
    names = {f.name for f in data.iterdir()}
    assert {"first-0", "ottla-metadata.redb", ".kafka_cleanshutdown"} <= names, names
    with broker(scratch, paths.REPOSITORY / "config/server.yaml") as one:
        read = done("kafka-console-consumer", "--topic", "first", "--from-beginning",
                    "--max-messages", 1)
        assert read.split() == ["one"], read
        assert one.stop() == 0, one.tail()
    return f"{len(names)} files and folders in ./data, read back with config/server.yaml"


def stock(scratch):
    """All of it, inside; a line that says what was seen."""
    (member,) = servers.zookeeper(scratch)
    config = scratch / "zookeeper1/zoo.cfg"
    config.write_text(config.read_text().replace(f"clientPort={member.port}", "clientPort=2181"))
    member.ready = lambda: servers.zookeeper_serves(2181)
    with member, broker(scratch, STOCK) as one:
        done("kafka-topics", "--create", "--topic", "first", "--if-not-exists")
        done("kafka-console-producer", "--topic", "first", stdin="one\ntwo\n")
        read = done("kafka-console-consumer", "--topic", "first", "--from-beginning",
                    "--max-messages", 2)
        assert read.split() == ["one", "two"], read
        seen = znode("/brokers/ids/0")
        seen.pop("timestamp")
        assert seen == {
            "features": {}, "listener_security_protocol_map": {"PLAINTEXT": "PLAINTEXT"},
            "endpoints": ["PLAINTEXT://localhost:9092"], "jmx_port": -1, "port": 9092,
            "host": "localhost", "version": 5}, seen
        assert znode("/controller")["brokerid"] == 0
        folders = sorted(f.name for f in DATA.iterdir() if f.is_dir())
        assert folders[0] == "__consumer_offsets-0" and folders[-1] == "first-0", folders
        assert "broker.id=0" in (DATA / "meta.properties").read_text()
        code = one.stop()
        assert code == (143 if one.name == "kafka" else 0), (code, one.tail())
        assert (DATA / ".kafka_cleanshutdown").exists()
    return f"localhost:9092 on localhost:2181, {len(folders)} folders in {DATA}, stopped cleanly"


def main():
    enter()
    what, scratch = sys.argv[1:]
    print({"stock": stock, "first": first}[what](pathlib.Path(scratch)))


SCENARIOS = [stock_server_properties, first_start]

if __name__ == "__main__":
    main()
