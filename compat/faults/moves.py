"""Replicas moved between two log directories by the stock tools, while they are written to."""

from compat import kit, servers
import lab


def two_dirs(scratch, name, **more):
    """A broker with two log directories, not started, and the directories."""
    dirs = [scratch / "a", scratch / "b"]
    for one in dirs:
        one.mkdir()
    if servers.under_test() == "kafka":
        # Kafka 3.9.2 forgets with the old log that a transaction was verified (KIP-890), and now
        # and then ends a transactional producer with INVALID_TXN_STATE for it.
        more["transaction__partition__verification__enable"] = "false"
    broker = kit.new_broker(name, log__dirs=",".join(map(str, dirs)), **more)
    return broker, dirs


def reassign(broker, file, *more):
    return lab.done(broker, "kafka-reassign-partitions", "--reassignment-json-file", file, *more)


def moved_by_tools(scratch):
    """kafka-reassign-partitions with log_dirs moves replicas while they are written to"""
    broker, (a, b) = two_dirs(scratch, "moves")
    with broker:
        kit.await_metadata(broker)
        lab.create(broker, "orders", 4, "--config", "segment.bytes=200000")
        there = lab.log_dirs(broker, "orders")
        assert {len(rows) for _, rows in there.values()} == {2}, f"not spread evenly: {there}"
        with lab.Writer(scratch, broker, "orders", size=300) as plain, \
                lab.Writer(scratch, broker, "orders-tx", "transactional") as transactions:
            plain.await_acknowledged(3000)
            transactions.await_acknowledged(500)
            file = lab.plan(scratch, "orders", dict.fromkeys(range(4), b))
            said = reassign(broker, file, "--execute", "--replica-alter-log-dirs-throttle", 20000)
            assert said.count("Successfully started moving log directory to ") == 4, said
            rows = lab.log_dirs(broker, "orders")
            futures = [row for row in rows[str(b)][1] if row[1]]
            assert len(futures) == 2 and all(lag > 0 for _, _, lag, _ in futures), rows
            said = reassign(broker, file, "--verify")
            assert said.count("is still in progress") == 2, said
            tx_file = lab.plan(scratch, "orders-tx", dict.fromkeys(range(3), b))
            for wanted in (file, tx_file):
                reassign(broker, wanted, "--execute", "--additional",
                         "--replica-alter-log-dirs-throttle", 50_000_000)
            for wanted in (file, tx_file):
                kit.until("moved", lambda w=wanted: "in progress" not in reassign(
                    broker, w, "--verify", "--preserve-throttles"), 60, broker.child)
            said = reassign(broker, file, "--verify")
            assert said.count("completed successfully") >= 4, said
            # There and back again, under the same writers.
            back = lab.plan(scratch, "orders-tx", dict.fromkeys(range(3), a))
            reassign(broker, back, "--execute")
            kit.until("moved back", lambda: "in progress" not in reassign(broker, back, "--verify"),
                      60, broker.child)
            plain.await_acknowledged(1000)
            transactions.await_acknowledged(200)
        places = lab.log_dirs(broker, "orders,orders-tx")
        assert [len(places[str(d)][1]) for d in (a, b)] == [3, 4], places
        assert not any(future for _, rows in places.values() for _, future, _, _ in rows), places
        counts = [lab.check(plain, broker, "orders"),
                  lab.check(transactions, broker, "orders-tx")]
        broker.stop()
        broker.start()
        kit.await_metadata(broker)
        assert counts[0] == lab.check(plain, broker, "orders")
    return f"{counts[0]} and {counts[1]} in transactions acknowledged, all there once"


def kill_while_moving(scratch):
    """kill -9 in the middle of a move: it goes on after the restart and loses nothing"""
    broker, (a, b) = two_dirs(scratch, "killed", num__partitions=1,
                              zookeeper__session__timeout__ms=2000)
    kills = 3
    with broker:
        kit.await_metadata(broker)
        lab.create(broker, "orders", 1, "--config", "segment.bytes=500000")
        with lab.Writer(scratch, broker, "orders", size=500, rate=4000,
                        retries=1000000) as writer:
            writer.await_acknowledged(8000)
            target = b if "orders-0" in lab.folders(a) else a
            file = lab.plan(scratch, "orders", {0: target})
            reassign(broker, file, "--execute", "--replica-alter-log-dirs-throttle", 500_000)
            for _ in range(kills):
                def copying():
                    names = [n for n in lab.folders(target) if n.endswith("-future")]
                    sizes = [f.stat().st_size for n in names for f in (target / n).glob("*.log")]
                    return sum(sizes) > 100_000
                kit.until("copying", copying, 60, broker.child)
                writer.await_acknowledged(500)
                broker.kill()
                if broker.kind == "kafka":
                    servers.await_session_end(kit.zookeeper_of(broker))
                broker.start()
                writer.await_acknowledged(500)
            lab.done(broker, "kafka-configs", "--entity-type", "brokers", "--entity-name", 1,
                     "--alter", "--delete-config",
                     "replica.alter.log.dirs.io.max.bytes.per.second")
            kit.until("moved", lambda: "in progress" not in reassign(broker, file, "--verify"),
                      60, broker.child)
            writer.await_acknowledged(500)
        assert "orders-0" in lab.folders(target), lab.folders(target)
        other = lab.folders(a if target == b else b)
        assert not [n for n in other if n.startswith("orders-")], other
        count = lab.check(writer, broker, "orders")
    return f"{kills} crashes in one move, {count} acknowledged, all there once"
