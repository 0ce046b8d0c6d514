"""kill -9 on a disk of its own file system that is full: what the next start makes of it.

Runs on Apache Kafka as well, which ends on a full disk and says why.
"""

from compat import kit, servers
import broken
import disks
import full
import lab


def killed_on_full_ext4(scratch):
    """kill -9 on a full disk: the next start serves all or says what is wrong, and loses nothing"""
    with disks.Disk(scratch / "disk", 48) as disk:
        folder = disk.folder
        broker = kit.new_broker("killed-ext4", log__dirs=folder / "logs",
                                zookeeper__session__timeout__ms=2000)
        with broker:
            kit.await_metadata(broker)
            # Many segments, whose indexes a recovery makes anew.
            lab.create(broker, "orders", 3, "--config", "segment.bytes=100000")
            with lab.Writer(scratch, broker, "orders", size=1000, rate=1000, acks="all",
                            delivery__timeout__ms=4000, request__timeout__ms=2000) as writer:
                writer.await_acknowledged(5000)
                full.fill(folder)
                kit.until("the disk is felt", lambda: writer.said("failed"), 60, broker.child)
                broker.kill()
            filler = full.fill(folder)
            how = _start_full(broker, writer)
            broker.kill()
            filler.unlink()
            _start(broker)
            count = lab.check(writer, broker, "orders")
            with lab.Writer(scratch, broker, "later", "transactional") as again:
                again.await_acknowledged(100)
            lab.check(again, broker, "later")
    return f"{how}; {count} acknowledged, all there once with room"


def _start(broker):
    if broker.kind == "kafka":
        servers.await_session_end(kit.zookeeper_of(broker))
    broker.start()
    kit.await_metadata(broker)
    kit.until("its topic has leaders", lambda: sorted(
        broken.metadata(broker, "orders").values()) == [1] * 3, 60, broker.child)


def _start_full(broker, writer):
    """Starts on a full disk: it serves all that was acknowledged, or ends and says why."""
    said = len(broker.tail(1 << 30))
    try:
        _start(broker)
    except (servers.NotReady, AssertionError):
        now = broker.tail(1 << 30)[said:]
        assert broker.child.poll() is not None, f"it neither serves nor ends: {now[-2000:]}"
        assert "No space left on device" in now, f"it does not say why: {now[-2000:]}"
        return "ends on a full disk and says why"
    return f"serves {lab.check(writer, broker, 'orders')} on a full disk"
