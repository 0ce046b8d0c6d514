"""A disk that is full: producers are told, nothing is lost, and room is all that it takes.

Apache Kafka takes a full directory offline, and ends when it was the last: no oracle for this.
"""

import contextlib

from compat import kit, paths, result, servers
import disks
import lab


def fill(folder):
    """Takes all the room that is left; the file that holds it."""
    filler = folder / "filler"
    with open(filler, "ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass
    return filler


def _full(scratch, codec, **more):
    if servers.under_test() == "kafka":
        raise result.Skip("a broker that outlives a full disk (Kafka takes it offline)")
    with disks.small(scratch / "disk", "48m") as folder:
        broker = kit.new_broker("full", log__dirs=folder / "logs", num__partitions=2,
                                zookeeper__session__timeout__ms=2000, **more)
        with broker:
            kit.await_metadata(broker)
            lab.create(broker, "orders", 2, "--config", "segment.bytes=1000000")
            lab.create(broker, "other", 1)
            group = ["--group", "readers", "--topic", "orders", "--max-messages", "10"]
            with lab.Writer(scratch, broker, "orders", size=1000, rate=1000, acks="all",
                            delivery__timeout__ms=4000, request__timeout__ms=2000,
                            compression__type=codec) as writer:
                writer.await_acknowledged(2000)
                lab.done(broker, "kafka-console-consumer", "--from-beginning", *group)
                filler = fill(folder)
                kit.until("a producer is told", lambda: writer.said("failed"), 60, broker.child)
                error = writer.said("failed")[0][1]
                # Full for a while: rolls, checkpoints and offset commits meet it too.
                before = len(writer.said("failed"))
                kit.until("more are told", lambda: len(writer.said("failed")) > before + 500,
                          60, broker.child)
                places = lab.log_dirs(broker)
                assert all(error is None for error, _ in places.values()), places
                there = set(lab.held(broker, "orders").values())
                acknowledged = {n for _, _, n in writer.said("ok")}
                assert acknowledged <= there, f"{len(acknowledged - there)} not readable while full"
                filler.unlink()
                writer.await_acknowledged(2000)
            lab.done(broker, "kafka-console-consumer", *group)
            count = lab.check(writer, broker, "orders")
            broker.kill()
            broker.start()
            kit.await_metadata(broker)
            assert lab.check(writer, broker, "orders") == count
    return f"told {error}; {count} acknowledged, readable when full, all there once at the end"


def full_disk(scratch):
    """a full disk refuses records with a clear error, keeps all acknowledged, goes on without a restart"""
    return _full(scratch, "none")


def stopped_while_full(scratch):
    """a broker stopped and started on a full disk serves what it has, and takes records when there is room"""
    if servers.under_test() == "kafka":
        raise result.Skip("a broker that outlives a full disk (Kafka takes it offline)")
    with disks.small(scratch / "disk", "48m") as folder:
        broker = kit.new_broker("stopped", log__dirs=folder / "logs",
                                zookeeper__session__timeout__ms=2000)
        with broker:
            kit.await_metadata(broker)
            lab.create(broker, "orders", 1, "--config", "segment.bytes=1000000")
            with lab.Writer(scratch, broker, "orders", size=1000, rate=1000,
                            delivery__timeout__ms=4000, request__timeout__ms=2000) as writer:
                writer.await_acknowledged(2000)
                filler = fill(folder)
                kit.until("a producer is told", lambda: writer.said("failed"), 60, broker.child)
            code = broker.stop()
            assert code == 0, (code, broker.tail())
            filler = fill(folder)
            broker.start()
            kit.await_metadata(broker)
            count = lab.check(writer, broker, "orders")
            broker.kill()
            broker.start()
            kit.await_metadata(broker)
            assert lab.check(writer, broker, "orders") == count
            filler.unlink()
            with lab.Writer(scratch, broker, "orders", "transactional") as again:
                again.await_acknowledged(100)
    return f"{count} acknowledged and served over two starts on a full disk"


def killed_while_full(scratch):
    """a broker that is killed on a full disk, its indexes gone, serves all it acknowledged when it starts on the full disk"""
    if servers.under_test() == "kafka":
        raise result.Skip("a broker that outlives a full disk (Kafka takes it offline)")
    with disks.small(scratch / "disk", "48m") as folder:
        broker = kit.new_broker("killed", log__dirs=folder / "logs",
                                zookeeper__session__timeout__ms=2000)
        with broker:
            kit.await_metadata(broker)
            lab.create(broker, "orders", 2, "--config", "segment.bytes=1000000")
            lab.create(broker, "decided", 2, "--config", "segment.bytes=100000")
            with lab.Writer(scratch, broker, "decided", "transactional", size=1000) as decided:
                decided.await_acknowledged(500)
            with lab.Writer(scratch, broker, "orders", size=1000, rate=1000,
                            delivery__timeout__ms=4000, request__timeout__ms=2000) as writer:
                writer.await_acknowledged(2000)
                fill(folder)
                kit.until("a producer is told", lambda: writer.said("failed"), 60, broker.child)
            counts = []
            for _ in range(2):
                broker.kill()
                for log in (folder / "logs").glob("*-[01]"):
                    for file in (*log.glob("*index"), *log.glob("*.snapshot")):
                        file.unlink()
                filler = fill(folder)
                broker.start()
                kit.await_metadata(broker)
                counts.append(lab.check(writer, broker, "orders"))
                counts[-1] += lab.check(decided, broker, "decided")
            filler.unlink()
            lab.create(broker, "later", 1)
            with lab.Writer(scratch, broker, "later", "transactional") as again:
                again.await_acknowledged(100)
            assert broker.stop() == 0, broker.tail()
            broker.start()
            kit.await_metadata(broker)
            counts.append(lab.check(writer, broker, "orders"))
            counts[-1] += lab.check(decided, broker, "decided")
    assert len(set(counts)) == 1, counts
    return f"{counts[0]} acknowledged and served, over two kills with all indexes lost and no room"


def joins_while_full(scratch):
    """consumers that join groups on a full disk wait, and go on when there is room, without a restart"""
    if servers.under_test() == "kafka":
        raise result.Skip("a broker that outlives a full disk (Kafka takes it offline)")
    with disks.small(scratch / "disk", "96m") as folder:
        broker = kit.new_broker("joins", log__dirs=folder / "logs",
                                zookeeper__session__timeout__ms=2000)
        with broker:
            kit.await_metadata(broker)
            lab.create(broker, "other", 1)
            with lab.Writer(scratch, broker, "other") as writer:
                writer.await_acknowledged(100)
            old = ["--group", "old", "--topic", "other", "--from-beginning"]
            lab.done(broker, "kafka-console-consumer", *old, "--max-messages", "10")
            filler = fill(folder)
            command = [*paths.java("k39", "log-tool", 128),
                       "org.apache.kafka.tools.consumer.ConsoleConsumer",
                       "--bootstrap-server", broker.bootstrap, "--topic", "other"]
            with contextlib.ExitStack() as stack:
                readers = []
                for name in ("new", "old"):
                    log = scratch / f"{name}.read"
                    args = ["--group", name, "--from-beginning", "--max-messages", "10"]
                    readers.append((stack.enter_context(kit.running([*command, *args], log)), log))

                def is_refused():
                    lines = broker.log.read_text().splitlines()
                    return any("cannot store group metadata" in x and "new" in x for x in lines)
                kit.until("the new group is not stored", is_refused, 60, broker.child)
                # That of the known group may have found room in a page that was there.
                assert readers[0][0].poll() is None, "it has ended"
                filler.unlink()
                for child, log in readers:
                    kit.until(f"{log.name} is complete", lambda: child.poll() is not None, 60)
                    assert child.returncode == 0, log.read_text()[-2000:]
    return "a new and a known group joined when there was room"
