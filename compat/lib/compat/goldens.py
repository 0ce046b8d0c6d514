"""protocol-tests/run.sh: starts the Kafka that goldens come from and runs `cargo test` at it."""

import os
import subprocess
import sys
import tempfile

from . import paths, servers


def settings():
    """protocol-tests/server.properties: what both brokers are started with."""
    lines = (paths.REPOSITORY / "protocol-tests/server.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def cargo(**environment):
    """The test that asks all cases; its exit code."""
    command = ["cargo", "test", "--test", "protocol", "--", "every_answer", "--nocapture"]
    names = {f"OTTLA_PROTOCOL_{k.upper()}": v for k, v in environment.items() if v}
    return subprocess.call(command, cwd=paths.REPOSITORY, env={**os.environ, **names})


def kafka(scratch, **environment):
    """The same with a new Apache Kafka as the target."""
    with servers.ensemble(scratch) as connect:
        with servers.Broker("kafka", f"{scratch}/kafka", connect, more=settings()) as broker:
            return cargo(target=broker.bootstrap, **environment)


def main():
    mode, arg = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(prefix="ottla-goldens-") as scratch:
        if mode == "record":
            return kafka(scratch, record="1", case=arg)
        if mode == "prove":
            return kafka(scratch, case=arg)
        if mode == "differential":
            fresh = f"{scratch}/goldens"
            code = kafka(scratch, record="1", goldens=fresh, case=arg)
            return code or cargo(goldens=fresh, case=arg)
        if mode == "target":
            return cargo(target=arg, case=sys.argv[3] if len(sys.argv) > 3 else None)
        sys.exit(f"no mode {mode}")


sys.exit(main())
