"""A log directory whose disk breaks: what was on it is offline, the rest goes on."""

import contextlib
import json
import subprocess

from compat import kit, servers, tool
import disks
import lab

SESSION = {"zookeeper__session__timeout__ms": 2000}


def metadata(broker, topic):
    """kcat's rows of a topic: partition to its leader (-1 for none)."""
    ran = subprocess.run(["kcat", "-b", broker.bootstrap, "-L", "-J", "-t", topic, "-m", "10"],
                         capture_output=True, timeout=60, check=False)
    with contextlib.suppress(json.JSONDecodeError, KeyError, IndexError):
        told = json.loads(ran.stdout)["topics"][0]["partitions"]
        return {p["partition"]: p["leader"] for p in told}
    return {}


def write(broker, topic, partition, text):
    """kcat writes one line; whether it was acknowledged, and what it said."""
    ran = subprocess.run(["kcat", "-P", "-b", broker.bootstrap, "-t", topic, "-p", str(partition),
                          "-X", "message.timeout.ms=3000", "-X", "acks=all"],
                         input=text + "\n", capture_output=True, text=True, timeout=60, check=False)
    return ran.returncode == 0, ran.stderr


def one_of_two_breaks(scratch):
    """one of two disks breaks: its partitions go offline, the others are served, a restart with the disk repaired brings all back"""
    kit.need("kcat")
    with disks.Disk(scratch / "b") as disk:
        good, bad = scratch / "a", disk.folder / "logs"
        broker = kit.new_broker("broken", log__dirs=f"{good},{bad}", **SESSION)
        with broker:
            kit.await_metadata(broker)
            lab.create(broker, "orders", 4, "--config", "flush.messages=1")
            on_bad = [int(n.rsplit("-", 1)[1]) for n in lab.folders(bad) if n[:7] == "orders-"]
            assert len(on_bad) == 2, (lab.folders(good), lab.folders(bad))
            for p in range(4):
                assert write(broker, "orders", p, f"before {p}")[0], broker.tail()
            disk.break_now()
            failed = {p: write(broker, "orders", p, f"broken {p}") for p in range(4)}
            for p, (acknowledged, said) in failed.items():
                assert acknowledged == (p not in on_bad), (p, said, broker.tail())
            kit.until("the controller knows", lambda: all(
                metadata(broker, "orders").get(p) == (-1 if p in on_bad else 1)
                for p in range(4)), 30, broker.child)
            places = lab.log_dirs(broker)
            assert places[str(bad)] == (
                "org.apache.kafka.common.errors.KafkaStorageException", []), places
            assert places[str(good)][0] is None, places
            # New topics go to the disk that is left.
            lab.create(broker, "later", 2)
            assert write(broker, "later", 1, "later")[0], broker.tail()
            refused = lab.move(broker, "later", 0, bad)
            assert "KafkaStorageException" in refused, refused
            broker.stop()
            # A start with the disk still broken: the same partitions are offline.
            broker.start()
            kit.await_metadata(broker)
            kit.until("half is served again", lambda: all(
                metadata(broker, "orders").get(p) == (-1 if p in on_bad else 1)
                for p in range(4)), 30, broker.child)
            assert lab.folders(good) == sorted({*lab.folders(good)} - {
                f"orders-{p}" for p in on_bad}), "made anew beside the broken disk"
            broker.stop()
            disk.repair()
            broker.start()
            kit.await_metadata(broker)
            kit.until("all is served again", lambda: all(
                metadata(broker, "orders").get(p) == 1 for p in range(4)), 30, broker.child)
            there = set(lab.held(broker, "orders").values())
            wanted = {f"before {p}" for p in range(4)}
            wanted |= {f"broken {p}" for p in range(4) if p not in on_bad}
            assert wanted <= there, (wanted - there, there)
            for p in range(4):
                assert write(broker, "orders", p, f"after {p}")[0], broker.tail()
    return f"partitions {on_bad} offline and back, nothing acknowledged was lost"


def leaders_move(scratch):
    """one of a broker's two disks breaks under a producer: the other broker leads, nothing is lost"""
    kit.need("kcat")
    with disks.Disk(scratch / "b") as disk:
        good, bad = scratch / "a", disk.folder / "logs"
        one = kit.new_broker("pair", log__dirs=f"{good},{bad}", **SESSION)
        connect = kit.zookeeper_of(one)
        two = servers.Broker(one.kind, scratch / "two", connect, more={
            "broker.id": 2, "zookeeper.session.timeout.ms": 2000})
        with one, two:
            kit.await_metadata(one)
            kit.until("two brokers", lambda: tool.run(
                "kafka-topics", "--bootstrap-server", one.bootstrap, "--create", "--if-not-exists",
                "--topic", "orders", "--replica-assignment", "1:2,1:2,1:2,1:2").code == 0, 60)
            with lab.Writer(scratch, two, "orders", acks="all") as writer:
                writer.await_acknowledged(2000)
                on_bad = [int(n.rsplit("-", 1)[1]) for n in lab.folders(bad) if n[:7] == "orders-"]
                assert on_bad, (lab.folders(good), lab.folders(bad))
                disk.break_now()
                kit.until("the others lead", lambda: all(
                    metadata(two, "orders").get(p) == (2 if p in on_bad else 1)
                    for p in range(4)), 60, one.child)
                writer.await_acknowledged(2000)
                assert not writer.said("failed"), writer.said("failed")[:3]
                one.stop()
                disk.repair()
                one.start()
                kit.until("in sync again", lambda: "Isr: 2\t" not in lab.done(
                    two, "kafka-topics", "--describe", "--topic", "orders"), 60, one.child)
                writer.await_acknowledged(1000)
            count = lab.check(writer, two, "orders")
    return f"{count} acknowledged, all there once; partitions {on_bad} changed leaders"


def all_break(scratch):
    """the last disk breaks: the broker ends at once, as Kafka does, and starts again on a repaired one"""
    with disks.Disk(scratch / "a") as disk:
        logs = disk.folder / "logs"
        broker = kit.new_broker("last", log__dirs=logs, **SESSION)
        kit.zookeeper_of(broker)  # the embedded store would be on the same disk
        with broker:
            kit.await_metadata(broker)
            lab.create(broker, "orders", 1, "--config", "flush.messages=1")
            with lab.Writer(scratch, broker, "orders", rate=200, retries=1000000) as writer:
                writer.await_acknowledged(300)
                disk.break_now()
                kit.until("the broker ends", lambda: broker.child.poll() is not None, 30)
                assert broker.child.returncode == 1, broker.child.returncode
                said = broker.tail()
                assert "Shutdown broker because all log dirs in" in said, said
                disk.repair()
                if broker.kind == "kafka":
                    servers.await_session_end(kit.zookeeper_of(broker))
                broker.start()
                writer.await_acknowledged(200)
            count = lab.check(writer, broker, "orders")
    return f"{count} acknowledged before and after, all there once"
