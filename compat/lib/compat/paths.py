"""Where things are: the repository, the jars, the versions. Knows nothing about processes."""

import os
import pathlib

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
COMPAT = REPOSITORY / "compat"
CACHE = COMPAT / ".cache"
RESULTS = COMPAT / ".cache" / "results"


def versions():
    """versions.env as a dictionary."""
    lines = (COMPAT / "versions.env").read_text().splitlines()
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {name: value.strip('"') for name, value in pairs}


def jars(kafka):
    """The folder of a Kafka's jars: "k39" or "k4"; OTTLA_KAFKA_JARS replaces that of 3.9."""
    if kafka == "k39" and "OTTLA_KAFKA_JARS" in os.environ:
        return pathlib.Path(os.environ["OTTLA_KAFKA_JARS"])
    return CACHE / kafka


def java(kafka, logging, heap, *more):
    """The start of a java command line with a Kafka's jars on the class path."""
    path = f"{CACHE / logging}:{CACHE / ('driver-' + kafka)}:{jars(kafka)}/*"
    return ["java", f"-Xmx{heap}M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *more, "-cp", path]


def ottla():
    """The broker's binary: OTTLA_BIN, or the newer of cargo's release and debug builds."""
    if "OTTLA_BIN" in os.environ:
        return pathlib.Path(os.environ["OTTLA_BIN"])
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    built = [p for p in (target / "release/ottla", target / "debug/ottla") if p.exists()]
    if not built:
        raise FileNotFoundError("no ottla binary: cargo build first, or set OTTLA_BIN")
    return max(built, key=lambda p: p.stat().st_mtime)
