"""The image: by itself, in the compose file with three ZooKeepers, under testcontainers' modules.

Needs a container engine; as root on Debian one is installed and started, and the base image is
made where none can be pulled. An engine that was running already is used and left running.
"""

import atexit
import functools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from compat import kit, paths, result, servers, tool

HERE = pathlib.Path(__file__).resolve().parent
DOCKER = paths.REPOSITORY / "docker"
IMAGE = "ottla-compat"
BASE = "debian:bookworm-slim"


def sh(*command, env=None, timeout=300):
    """Runs a command; its output, or an error that shows it."""
    env = {**os.environ, **(env or {})}
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, env=env,
                          timeout=timeout)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}"[-4000:])
    return done.stdout


@functools.cache
def engine():
    """A running engine with the base image."""
    if servers.under_test() != "ottla":
        raise result.Skip("the image is Ottla's own")
    try:
        said = sh("sh", DOCKER / "engine.sh", "up")
        if "started" in said:
            atexit.register(subprocess.run, ["sh", DOCKER / "engine.sh", "down"])
        sh("sh", DOCKER / "base-image.sh", BASE)
    except AssertionError as e:
        raise result.Skip(f"a container engine ({e})") from e


@functools.cache
def image():
    """The broker's image, from the binary that the other scenarios use."""
    engine()
    with tempfile.TemporaryDirectory() as context:
        context = pathlib.Path(context)
        (context / "target/release").mkdir(parents=True)
        shutil.copy(paths.ottla(), context / "target/release/ottla")
        subprocess.run(["strip", context / "target/release/ottla"], check=False)
        shutil.copytree(DOCKER / "image", context / "docker/image")
        sh("docker", "build", "-q", "-f", DOCKER / "Dockerfile.prebuilt", "-t", f"{IMAGE}:7.9.0",
           context)
    return f"{IMAGE}:7.9.0"


def await_port(port, name):
    deadline = time.monotonic() + servers.READY_SECONDS
    while not servers.listens(port):
        if time.monotonic() > deadline:
            raise servers.NotReady(sh("docker", "logs", name)[-3000:])
        time.sleep(0.05)


def exchange(bootstrap, topic, first=0, count=100):
    """Records in and all of the topic out again, by the stock console tools on this machine."""
    boot = ("--bootstrap-server", bootstrap)
    lines = "".join(f"line {n}\n" for n in range(first, first + count))
    sent = tool.run("kafka-console-producer", *boot, "--topic", topic, stdin=lines)
    assert sent.code == 0, sent
    got = tool.run("kafka-console-consumer", *boot, "--topic", topic, "--from-beginning",
                   "--max-messages", first + count, "--timeout-ms", 30000)
    expected = [f"line {n}" for n in range(first + count)]
    assert got.out.splitlines() == expected, got


def alone(_scratch):
    """the image with the environment of apache/kafka's: not root, stops at once, keeps its data"""
    name, volume = kit.unique("ottla"), kit.unique("ottla-data")
    (port,) = servers.free_ports(1)
    run = ["docker", "run", "-d", "--name", name, "-p", f"127.0.0.1:{port}:9092",
           "-v", f"{volume}:/var/lib/kafka/data",
           "-e", f"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:{port}",
           "-e", "KAFKA_LISTENERS=PLAINTEXT://0.0.0.0:9092",
           "-e", "KAFKA_LOG_RETENTION_MS=123456789", image()]
    try:
        for first in (0, 100):
            sh(*run)
            await_port(port, name)
            exchange(f"127.0.0.1:{port}", "lines", first)
            assert sh("docker", "exec", name, "id", "-u").strip() == "1000"
            told = tool.run("kafka-configs", "--bootstrap-server", f"127.0.0.1:{port}",
                            "--describe", "--all", "--entity-type", "brokers", "--entity-name", 0)
            assert "log.retention.ms=123456789" in told.out, told
            sh("docker", "stop", "-t", "30", name)
            code = sh("docker", "inspect", "-f", "{{.State.ExitCode}}", name).strip()
            assert code == "0", f"exit code {code}: {sh('docker', 'logs', name)[-2000:]}"
            sh("docker", "rm", name)
        return "200 records over a restart, exit code 0, uid 1000"
    finally:
        subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=False)
        subprocess.run(["docker", "volume", "rm", "-f", volume], capture_output=True, check=False)


def compose(_scratch):
    """the compose file: three ZooKeepers and the broker, one ZooKeeper killed on the way"""
    sh("docker", "tag", image(), "ottla:dev")
    sh("sh", DOCKER / "zookeeper/build.sh", timeout=900)
    kit.need("docker-compose")
    up = ["docker-compose", "-p", kit.unique("ottla").replace("-", ""),
          "-f", DOCKER / "docker-compose.yml"]
    try:
        sh(*up, "up", "-d")
        await_port(19092, "the broker of the compose file")
        exchange("localhost:19092", "lines")
        sh(*up, "kill", "zk2")
        exchange("localhost:19092", "lines", 100)
        made = tool.run("kafka-topics", "--bootstrap-server", "localhost:19092", "--create",
                        "--topic", "after", "--partitions", 3)
        assert made.code == 0, made
        return "100 records before and after the loss of a ZooKeeper, and a topic made"
    except (AssertionError, servers.NotReady) as e:
        raise AssertionError(f"{e}\n{sh(*up, 'logs', 'broker1')[-3000:]}") from e
    finally:
        subprocess.run([*map(str, up), "down", "-v"], capture_output=True, check=False)


def recipes(_scratch):
    """the recipes with other systems' official images: compose reads them, what they mount is here"""
    folder = DOCKER / "recipes"
    names = sorted(p.name for p in folder.glob("*.yml") if p.name != "broker.yml")
    kit.need("docker-compose")
    for name in names:
        told = sh("docker-compose", "-f", folder / "broker.yml", "-f", folder / name, "config")
        assert "broker:" in told and told.count("image:") + told.count("build:") > 1, told
        for source in re.findall(rf"{re.escape(str(folder))}/[^:\s]+", told):
            assert pathlib.Path(source).exists(), f"{name} mounts {source}"
    return f"{len(names)} recipes: {', '.join(n.removesuffix('.yml') for n in names)}"


def module(kind, _scratch):
    lib = kit.jars("testcontainers", HERE / "pom.xml",
                   testcontainers_version=kit.V["TESTCONTAINERS_JAVA_VERSION"])
    built = kit.classes("testcontainers-classes", lib, HERE / "Modules.java")
    # No helper container: its image cannot be pulled everywhere, and this program cleans up.
    env = {**os.environ, "TESTCONTAINERS_RYUK_DISABLED": "true",
           "TESTCONTAINERS_HOST_OVERRIDE": "localhost"}
    command = kit.java(f"{built}:{lib}/*", "Modules", kind, image())
    child = subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    try:
        line = child.stdout.readline()
        assert line.startswith("bootstrap "), line + child.stderr.read()[-3000:]
        exchange(line.split()[1], "lines")
        _, said = child.communicate("\n", timeout=60)
        assert child.returncode == 0, said[-3000:]
        return "started by the module, 100 records"
    finally:
        child.kill()


SCENARIOS = [
    kit.scenario("image", alone.__doc__, alone, True),
    kit.scenario("compose", compose.__doc__, compose, True),
    kit.scenario("recipes", recipes.__doc__, recipes, True,
                 note="not run: no container registry is reachable; the plugins' clients are run"
                 " in logstash, flink, spark and fluent"),
    *(kit.scenario(f"testcontainers_java_{kind}", f"testcontainers' Java module: {kind}",
                   functools.partial(module, kind), kind == "apache",
                   kit.V["TESTCONTAINERS_JAVA_VERSION"])
      for kind in ("apache", "confluent", "old_kraft")),
]
