"""What the systems' scenarios share: one broker, fetched packages, programs run to their end.

Packages come from the ordinary clients of their registries (mvn, pip, npm, go, cargo) and stay in
compat/.cache; a folder is used only once its stamp says that it is complete.
"""

import atexit
import contextlib
import itertools
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

from . import paths, result, servers, spy, tool

V = paths.versions()
_stack = contextlib.ExitStack()
atexit.register(_stack.close)
_shared = {}
_spies = []
_serial = itertools.count()


def scenario(name, what, body, fast=False, version="", note=""):
    """A scenario of `body(scratch)`; `fast` ones are part of `make test`, `note` says what is
    only approximated, for COMPAT.md."""
    def one(scratch):
        return body(scratch)
    one.__name__, one.__doc__ = name, what
    one.fast, one.version, one.note = fast, version, note
    return one


def _connect():
    """The connect string of the one ZooKeeper of this run."""
    if "connect" not in _shared:
        home = pathlib.Path(_stack.enter_context(tempfile.TemporaryDirectory(prefix="ottla-kit-")))
        _shared["home"] = home
        _shared["connect"] = _stack.enter_context(servers.ensemble(home))
    return _shared["connect"]


def new_broker(name, port=None, kind=None, group=None, **more):
    """A broker of its own, not started, on the run's ZooKeeper (or on the embedded store), of the
    kind under test unless one is named; brokers of a cluster share the `group`. Settings are
    written with __ for a dot."""
    kind, connect = kind or servers.under_test(), _connect()
    embedded = kind == "ottla" and os.environ.get("METADATA") == "embedded"
    more = {key.replace("__", "."): value for key, value in more.items()}
    unique = f"{name}{next(_serial)}"
    return servers.Broker(kind, _shared["home"] / unique,
                          None if embedded else f"{connect}/{group or unique}", port=port,
                          more={"num.partitions": 3, **more})


def brokers_known(port):
    """How many brokers the one on a port lists: it accepts connections before it knows any."""
    frame = struct.pack(">hhihi", 3, 1, 1, -1, 0)  # Metadata 1, no client id, no topics
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.sendall(struct.pack(">i", len(frame)) + frame)
            size, _correlation, brokers = struct.unpack(">iii", s.recv(12, socket.MSG_WAITALL))
            return brokers if size > 8 else 0
    except (OSError, struct.error):
        return 0


def await_metadata(one):
    """Returns the started broker once it can place a topic."""
    until("the broker lists itself", lambda: brokers_known(one.port) > 0, 30, one.child)
    return one


def broker():
    """The broker that a run's scenarios share; a new one if it has died."""
    one = _shared.get("broker")
    if one is None or one.child is None or one.child.poll() is not None:
        _shared["broker"] = await_metadata(_stack.enter_context(client_broker("shared")))
        requests_seen()
    return _shared["broker"]


@contextlib.contextmanager
def broker_apart():
    """Meanwhile broker() is one of its own: it has no topics but those that are made now."""
    shared = _shared.pop("broker", None)
    try:
        with client_broker("apart") as one:
            _shared["broker"] = await_metadata(one)
            yield
    finally:
        _shared["broker"] = shared


def client_broker(name):
    """A broker of its own, not started, whose clients' requests are noted where REQUESTS asks."""
    if not os.environ.get("REQUESTS"):
        return new_broker(name)
    return spied(lambda port, more: new_broker(
        name, port, **{key.replace(".", "__"): value for key, value in more.items()}))


def spied(make, side="tested"):
    """The broker of make(port, settings), which clients reach through a proxy that notes their
    requests; what the broker asks itself goes by a listener of its own."""
    port, behind, internal = servers.free_ports(3)
    one = make(port, {
        "listeners": f"CLIENT://127.0.0.1:{behind},INTERNAL://127.0.0.1:{internal}",
        "advertised.listeners": f"CLIENT://127.0.0.1:{port},INTERNAL://127.0.0.1:{internal}",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT",
        "inter.broker.listener.name": "INTERNAL"})
    one.ready = lambda: servers.listens(behind)
    one.behind = {behind: "BEHIND", internal: "INTERNAL"}
    _spies.append((side, spy.Spy(port, behind)))
    return one


def requests_seen(side="tested"):
    """The kinds of requests since the last call, (api key, version), of the brokers under test or
    of the "oracle" beside them; empty without a proxy."""
    return sorted({kind for of, one in _spies if of == side for kind in one.take()})


def zookeeper_of(one):
    """The zookeeper.connect of a broker; Skip on the embedded store."""
    text = (one.directory / "server.properties").read_text()
    for line in text.splitlines():
        if line.startswith("zookeeper.connect="):
            return line.split("=", 1)[1]
    raise result.Skip("ZooKeeper (the broker is on the embedded store)")


def unique(name):
    """A topic or group name that no other scenario of this run uses."""
    return f"{name}-{next(_serial)}".replace(".", "-")


def create(topic, partitions=3):
    """Makes a topic on the shared broker with the stock tool; its name."""
    done = tool.run("kafka-topics", "--bootstrap-server", broker().bootstrap, "--create",
                    "--topic", topic, "--partitions", partitions)
    assert done.code == 0, done
    return topic


def need(*programs):
    """Skips the scenario unless all programs are on the path; on Debian root installs them."""
    def lacking():
        return [p for p in programs if not shutil.which(p)]
    if lacking():
        run([paths.REPOSITORY / ".ci/packages", *lacking()], 600)
    if missing := lacking():
        raise result.Skip(", ".join(missing))


def clean_environment(env=None):
    return {**os.environ, **{k: str(v) for k, v in (env or {}).items()}}


def spawn(command, log, cwd=None, env=None, stdin=subprocess.DEVNULL):
    """A process in a group of its own with its output in a file; ends with the interpreter."""
    with open(log, "ab") as out:
        child = subprocess.Popen([str(c) for c in command], cwd=cwd, stdin=stdin, stdout=out,
                                 stderr=out, env=clean_environment(env), start_new_session=True)
    child.log = pathlib.Path(log)
    atexit.register(end, child, signal.SIGKILL)
    return child


def end(child, how=signal.SIGTERM, seconds=30):
    """Signals a spawned process's group and waits; SIGKILL when it does not listen."""
    if child.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, how)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    return child.returncode


@contextlib.contextmanager
def running(command, log, **more):
    """A spawned process for the length of a with block."""
    child = spawn(command, log, **more)
    try:
        yield child
    finally:
        end(child)


def run(command, seconds=120, cwd=None, env=None, text=None, expect=None):
    """Runs a program to its end; its output. Fails on another exit code than 0, on time, and
    unless `expect` is in the output."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as given:
        given.write((text or "").encode())
        given.seek(0)
        child = subprocess.Popen([str(c) for c in command], cwd=cwd, stdin=given, stdout=out,
                                 stderr=subprocess.STDOUT, env=clean_environment(env),
                                 start_new_session=True)
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            code = f"none after {seconds} s"
        finally:
            end(child, signal.SIGKILL)
        out.seek(0)
        said = out.read().decode(errors="replace")
    name = " ".join(str(c) for c in command)[-160:]
    assert code == 0, f"exit {code} of …{name}\n{said[-2500:]}"
    assert expect is None or expect in said, f"{expect!r} not said by …{name}\n{said[-2500:]}"
    return said


def until(what, condition, seconds=60, child=None):
    """Polls a condition; fails when time is over or the process that should fulfil it ended."""
    deadline = time.monotonic() + seconds
    while not condition():
        log = getattr(child, "log", None)
        said = "\n" + log.read_text(errors="replace")[-1500:] if log else ""
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}{said}"
        assert child is None or child.poll() is None, f"ended, {child.returncode}: {what}{said}"
        time.sleep(0.05)


def fetched(folder, make):
    """A folder of the cache, made once by make(folder)."""
    target = paths.CACHE / folder
    stamp = target / ".complete"
    if not stamp.exists():
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        make(target)
        stamp.touch()
    return target


def jars(folder, pom, **properties):
    """The runtime jars of a pom.xml at the given versions, in compat/.cache/<folder>."""
    need("mvn", "java")
    given = [f"-D{k.replace('_', '.')}={v}" for k, v in properties.items()]
    return fetched(folder, lambda to: run(
        ["mvn", "-q", "-B", "-f", pom, *given, "dependency:copy-dependencies",
         f"-DoutputDirectory={to}"], 600))


def classes(folder, lib, *sources):
    """Java programs compiled against the jars of `lib`; again when a source is newer."""
    need("javac")
    target = paths.CACHE / folder
    newest = max(pathlib.Path(s).stat().st_mtime for s in sources)
    stamp = target / ".complete"
    if not stamp.exists() or stamp.stat().st_mtime < newest:
        target.mkdir(parents=True, exist_ok=True)
        run(["javac", "-nowarn", "-Xlint:-deprecation", "-d", target, "-cp", f"{lib}/*", *sources])
        stamp.touch()
    return target


def java(path, main, *args, heap=256, options=(), compiler="-XX:TieredStopAtLevel=1"):
    """A java command line for programs that live for seconds."""
    return ["java", f"-Xmx{heap}m", "-XX:+UseSerialGC", compiler, *options, "-cp", path, main,
            *args]


def python(folder, *packages):
    """The interpreter of a virtual environment with these packages ("name==version")."""
    def make(to):
        run([sys.executable, "-m", "venv", to], 120)
        run([to / "bin/pip", "install", "-q", "--disable-pip-version-check", *packages], 600)
    return fetched(folder, make) / "bin/python"


def npm(folder, *packages):
    """A folder with node_modules that hold these packages ("name@version")."""
    need("node", "npm")
    return fetched(folder, lambda to: run(
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", to, *packages], 600))


def kill_test(name, guarantee, kills, lib, command, seconds=540):
    """Numbers fed into a topic while a job, `command(source, sink)`, copies them and is killed
    with SIGKILL and started again; "once" or "atLeastOnce" is what a read_committed reader must
    see of each. `lib` holds any kafka-clients."""
    built = classes(f"killtest-{pathlib.Path(lib).name}", lib,
                    paths.COMPAT / "lib/java/KillTest.java")
    run_name = unique(name)
    source, sink = f"{run_name}-in", f"{run_name}-out"
    said = run(java(f"{built}:{lib}/*", "KillTest", guarantee, broker().bootstrap, source, sink,
                    kills, *command(source, sink), heap=128,
                    options=["-Dorg.slf4j.simpleLogger.defaultLogLevel=error"]), seconds,
               expect=" 0 missing")
    return next(x for x in said.splitlines() if " 0 missing" in x)
