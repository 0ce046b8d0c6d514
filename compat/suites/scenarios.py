"""The registries' own client suites, unchanged, beside what they give on Apache Kafka.

Tests that need no broker are left out where the suite can tell them apart.
"""

import contextlib
import functools
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import time

from compat import kit, paths, servers, suite, tool

HERE = pathlib.Path(__file__).resolve().parent
GO_PINS = paths.COMPAT / "go" / "go.mod"
# What the suites' own clusters are started with.
SETTINGS = {"num__partitions": 4, "auto__create__topics__enable": "true",
            "group__min__session__timeout__ms": 1000}

RACK_AWARE = "org.apache.kafka.common.replica.RackAwareReplicaSelector"


def go_version(module):
    """What compat/go pins of a Go client."""
    return re.search(rf"\t{re.escape(module)} (\S+)", GO_PINS.read_text())[1]


def crate_version(crate):
    """What compat/rust pins of a crate."""
    text = (paths.COMPAT / "rust" / "Cargo.lock").read_text()
    return re.search(rf'name = "{crate}"\nversion = "([^"]+)"', text)[1]


def crate_source(crate):
    """Where cargo has the source of a crate that compat/rust pins."""
    told = json.loads(kit.run(["cargo", "metadata", "-q", "--format-version", "1", "--locked",
                               "--manifest-path", paths.COMPAT / "rust" / "Cargo.toml"]))
    (found,) = [p for p in told["packages"] if p["name"] == crate]
    return pathlib.Path(found["manifest_path"]).parent


@contextlib.contextmanager
def alone(name, kind, **more):
    """One broker that can place topics."""
    with kit.new_broker(f"suite-{name}-{kind}", kind=kind, **{**SETTINGS, **more}) as broker:
        yield kit.await_metadata(broker)


@contextlib.contextmanager
def three(name, kind):
    """A cluster of three with everything on each of them; its first broker."""
    group = kit.unique(f"suite-{name}-{kind}")
    more = {**SETTINGS, "default__replication__factor": 3, "offsets__topic__replication__factor": 3,
            "transaction__state__log__replication__factor": 3}
    with contextlib.ExitStack() as stack:
        brokers = [stack.enter_context(kit.new_broker(group, kind=kind, group=group,
                                                      broker__id=n, broker__rack=f"RACK{n}",
                                                      replica__selector__class=RACK_AWARE, **more))
                   for n in (1, 2, 3)]
        kit.until("all brokers know all", lambda: all(
            kit.brokers_known(one.port) == 3 for one in brokers), 60)
        yield brokers[0]


def output(command, seconds, scratch, **more):
    """What a suite's program says until it ends or its time is over: failed tests are results."""
    log = pathlib.Path(scratch) / f"log-{kit.unique('suite')}"
    child = kit.spawn(command, log, **more)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(seconds)
    kit.end(child)
    return log.read_text(errors="replace")


def writable(source, target):
    """A copy of what a registry's cache keeps read-only."""
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    for folder in (target, *(p for p in target.rglob("*") if p.is_dir())):
        folder.chmod(0o755)
    return target


def taken_by_none(port):
    """A port that a suite insists on; Skip where something else listens on it."""
    if servers.listens(port):
        raise kit.result.Skip(f"port {port}, which another program has")
    return port


def go_tests(name, module, package, tags=""):
    """The test binary of a Go module's package, and the folder it runs in."""
    kit.need("go")
    version = go_version(module)

    def make(to):
        told = json.loads(kit.run(["go", "mod", "download", "-json", f"{module}@{version}"], 300))
        source = writable(told["Dir"], to / "source")
        kit.run(["go", "test", "-mod=mod", "-c", "-tags", tags, "-o", to / "tests",
                 f"./{package}"], 1500, cwd=source)

    folder = kit.fetched(f"suite-{name}-{version}", make)
    return folder / "tests", folder / "source" / package


def go_run(program, cwd, scratch, env, seconds, only):
    """Outcomes of a Go test binary; `only` names tests or subtests, whose parents are run. A panic
    ends a whole run, and with it tests that were under way beside the one that failed: what has no
    outcome is then run on its own."""
    only = only or output([program, "-test.list", "."], 60, scratch, cwd=cwd, env=env).split()
    left = sorted({t.split("/")[0] for t in only if t.startswith("Test")})
    outcomes, end = {}, time.monotonic() + seconds
    while left and time.monotonic() < end:
        seconds = round(end - time.monotonic()) + 1
        said = output([program, "-test.v", f"-test.timeout={seconds}s",
                       f"-test.run=^({'|'.join(left)})$"], seconds + 30, scratch, cwd=cwd, env=env)
        ended, found = suite.of_go(said)
        outcomes |= found
        if not ended.keys() & set(left):
            break
        left = [t for t in left if t not in ended]
    return outcomes


def franz(scratch):
    program, cwd = go_tests("franz", "github.com/twmb/franz-go", "pkg/kgo")
    # Its half a million records take long on two cores; one broker has one replica.
    env = {"KGO_TEST_RF": 1, "KGO_TEST_RECORDS": 20000, "KGO_LOG_LEVEL": "none"}

    def run(broker, only):
        return go_run(program, cwd, scratch, {**env, "KGO_SEEDS": broker.bootstrap}, 900, only)

    return suite.compare(functools.partial(alone, "franz"), run, {})


def kafka_go(scratch):
    program, cwd = go_tests("kafka-go", "github.com/segmentio/kafka-go", ".")
    env = {"KAFKA_VERSION": kit.V["KAFKA_VERSION"]}

    def run(_broker, only):
        return go_run(program, cwd, scratch, env, 900, only)

    # Its address is written into its tests.
    cluster = functools.partial(alone, "kafka-go", port=taken_by_none(9092),
                                advertised__listeners="PLAINTEXT://localhost:9092",
                                message__max__bytes=200000000)
    return suite.compare(cluster, run, {})


def librdkafka_tests(crate):
    """librdkafka's test-runner, built from the source in the crate."""
    kit.need("cargo", "cc", "make")

    def make(to):
        source = writable(crate_source("rdkafka-sys") / "librdkafka", to / "source")
        kit.run(["sh", "-c", "chmod +x configure lds-gen.py mklove/* tests/*.sh"
                 " && ./configure --disable-lz4-ext && make -j2 libs"
                 " && make -C tests -j2 test-runner"], 1500, cwd=source)

    return kit.fetched(f"suite-librdkafka-{crate}", make) / "source" / "tests"


def kafka_scripts(folder):
    """Kafka's scripts that librdkafka's tests call, around the jars of this run; their home."""
    (folder / "bin").mkdir(parents=True)
    for name, main in (("kafka-topics", tool.MAIN["kafka-topics"]),
                       ("kafka-acls", "kafka.admin.AclCommand")):
        script = folder / "bin" / f"{name}.sh"
        command = shlex.join(map(str, [*paths.java("k39", "log-tool", 128), main]))
        script.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        script.chmod(0o755)
    return folder


def librdkafka(scratch):
    folder = librdkafka_tests(crate_version("rdkafka-sys"))
    scripts = kafka_scripts(scratch / "kafka")
    ended = re.compile(r"Test (\S+) (PASSED|FAILED|SKIPPED)")
    failed = re.compile(r'### Test "(\w+)[^"]*" failed')

    def run(broker, only):
        conf = scratch / f"{broker.kind}.conf"
        conf.write_text(f"metadata.broker.list={broker.bootstrap}\ntest.topic.random=true\n"
                        "test.timeout.multiplier=3\n")
        # Its mock broker's tests are not marked as local; each such file's number is its own.
        mocks = {file.name[:4] for file in folder.glob("*mock*.c")}
        env = {"RDKAFKA_TEST_CONF": conf, "TESTS_SKIP": ",".join(sorted(mocks)),
               "TEST_KAFKA_VERSION": kit.V["KAFKA_VERSION"], "KAFKA_PATH": scripts,
               "BROKERS": broker.bootstrap,
               "LD_LIBRARY_PATH": f"{folder.parent / 'src'}:{folder.parent / 'src-cpp'}"}
        if only:
            env["TESTS"] = ",".join(sorted({t[:4] for t in only}))
        # -L: not those on a broker of its own making; -E: not those that slow down sockets;
        # -Q: fewer rounds; three at a time.
        said = output(["./test-runner", "-L", "-E", "-Q", "-p3"], 1200, scratch, cwd=folder,
                      env=env)
        outcomes = {name: outcome.lower() for name, outcome in ended.findall(said)}
        return outcomes | {name: suite.FAILED for name in failed.findall(said)}

    return suite.compare(functools.partial(three, "librdkafka"), run, {})


def rust_rdkafka(scratch):
    kit.need("cargo", "cc", "make", "cmake")
    version = crate_version("rdkafka")
    target = paths.CACHE / f"suite-rust-rdkafka-{version}-target"
    env = {"CARGO_TARGET_DIR": target, "KAFKA_VERSION": kit.V["KAFKA_VERSION"], "RUST_LOG": "off"}

    def make(to):
        source = writable(crate_source("rdkafka"), to / "source")
        kit.run(["cargo", "test", "-q", "--no-run", "--test", "*"], 1500, cwd=source, env=env)

    source = kit.fetched(f"suite-rust-rdkafka-{version}", make) / "source"

    def run(broker, only):
        said = output(["cargo", "test", "--no-fail-fast", "--test", "*", "--", "--test-threads=4",
                       *(only or ())], 900, scratch, cwd=source,
                      env={**env, "KAFKA_HOST": broker.bootstrap})
        return suite.of_rust(said)

    return suite.compare(functools.partial(alone, "rust-rdkafka"), run, {
        "test_base_producer_timeout": "it wants a new topic's records to take more than 100 ms"})


def toxiproxy():
    """The proxy that sarama's tests break connections with."""
    version, module = kit.V["TOXIPROXY_VERSION"], "github.com/Shopify/toxiproxy/v2"

    def make(to):
        flags = {"GOFLAGS": "-mod=mod"}
        (to / "go.mod").write_text("module toxiproxy\n\ngo 1.26\n")
        kit.run(["go", "get", f"{module}/cmd/server@v{version}"], 300, cwd=to, env=flags)
        kit.run(["go", "build", "-o", to / "toxiproxy", f"{module}/cmd/server"], 600, cwd=to,
                env=flags)

    return kit.fetched(f"toxiproxy-{version}", make) / "toxiproxy"


@contextlib.contextmanager
def five_brokers(proxy, scratch, kind):
    """Five brokers behind the proxies that sarama's tests know by name and port; the control
    port of these."""
    advertised = [taken_by_none(29090 + n) for n in range(1, 6)]
    behind, internal = servers.free_ports(5), servers.free_ports(5)
    (control,) = servers.free_ports(1)
    proxies = [{"name": f"kafka{n + 1}", "listen": f"127.0.0.1:{advertised[n]}", "enabled": True,
                "upstream": f"127.0.0.1:{behind[n]}"} for n in range(5)]
    config = scratch / f"proxies-{kind}.json"
    config.write_text(json.dumps(proxies))
    group = kit.unique(f"sarama-{kind}")
    with contextlib.ExitStack() as stack:
        for n in range(5):
            one = kit.new_broker(
                group, behind[n], kind, group, broker__id=n + 1, broker__rack=n + 1,
                listeners=f"CLIENT://127.0.0.1:{behind[n]},INTERNAL://127.0.0.1:{internal[n]}",
                advertised__listeners=f"CLIENT://localhost:{advertised[n]},"
                f"INTERNAL://127.0.0.1:{internal[n]}",
                listener__security__protocol__map="CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT",
                inter__broker__listener__name="INTERNAL", auto__create__topics__enable="false",
                default__replication__factor=2, offsets__topic__replication__factor=2,
                transaction__state__log__replication__factor=2,
                replica__selector__class=RACK_AWARE)
            stack.enter_context(one)
        stack.enter_context(kit.running(
            [proxy, "-host", "127.0.0.1", "-port", control, "-config", config],
            scratch / f"proxies-{kind}.log"))
        kit.until("five brokers are known", lambda: kit.brokers_known(behind[0]) == 5, 60)
        kit.until("the proxies listen", lambda: all(map(servers.listens, advertised)), 30)
        yield control


def sarama(scratch):
    program, cwd = go_tests("sarama", "github.com/IBM/sarama", ".", tags="functional")
    env = {"KAFKA_VERSION": kit.V["KAFKA_VERSION"]}
    # What the build tag adds, as the rest of its tests talk to a broker of their own making; and
    # not those that start and stop a broker by docker compose.
    sources = [f.read_text() for f in sorted(cwd.glob("*_test.go"))]
    bodies = [body for text in sources if text.startswith("//go:build functional")
              for body in re.split(r"^func ", text, flags=re.MULTILINE)[1:]]
    functional = [re.match(r"\w+", body)[0] for body in bodies
                  if re.match(r"Test\w+\(t ", body) and "DockerTestBroker(" not in body]

    def run(control, only):
        return go_run(program, cwd, scratch,
                      {**env, "TOXIPROXY_ADDR": f"http://127.0.0.1:{control}"}, 1200,
                      only or functional)

    return suite.compare(functools.partial(five_brokers, toxiproxy(), scratch), run, {})


WHAT = "the client's own tests, beside Apache Kafka's counts"
SCENARIOS = [
    kit.scenario("franz_go", WHAT, franz, version=go_version("github.com/twmb/franz-go"),
                 note="20,000 records a test in place of 500,000, one replica"),
    kit.scenario("kafka_go", WHAT, kafka_go, version=go_version("github.com/segmentio/kafka-go")),
    kit.scenario("librdkafka", WHAT, librdkafka, version=crate_version("rdkafka-sys"),
                 note="its quick mode; not the tests on its own mock broker, nor on slowed sockets"),
    kit.scenario("rust_rdkafka", WHAT, rust_rdkafka, version=crate_version("rdkafka")),
    kit.scenario("sarama", WHAT, sarama, version=go_version("github.com/IBM/sarama"),
                 note="not its tests that start and stop brokers by docker compose"),
]
