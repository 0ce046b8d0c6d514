"""UIs that a package registry has whole: Quarkus's Dev UI in headless Chromium, Kaskade in a
terminal. Pictures are kept in compat/.cache/screenshots, not in the repository."""

import contextlib
import pathlib
import shutil
import subprocess
import urllib.error
import urllib.request

from compat import kit, paths, servers, tool

HERE = pathlib.Path(__file__).resolve().parent
SHOTS = paths.CACHE / "screenshots"
V = kit.V


def topic_with_group(name):
    """A topic of one partition with ten records, of which a group has read and committed four."""
    topic, boot = kit.create(kit.unique(name), 1), ("--bootstrap-server", kit.broker().bootstrap)
    for args, text in (
        (("kafka-console-producer", *boot, "--topic", topic), "".join(
            f"seen-in-a-page-{i}\n" for i in range(10))),
        (("kafka-console-consumer", *boot, "--topic", topic, "--group", f"{topic}-readers",
          "--from-beginning", "--max-messages", 4, "--timeout-ms", 30000), None),
    ):
        done = tool.run(*args, stdin=text)
        assert done.code == 0, done
    return topic, f"{topic}-readers"


def served(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def quarkus(scratch):
    """Quarkus in development mode; the address of its Kafka pages."""
    (port,) = servers.free_ports(1)
    project = shutil.copytree(HERE, scratch / "project")
    command = ["mvn", "-B", f"-Dquarkus.version={V['QUARKUS_VERSION']}", "quarkus:dev",
               "-Ddebug=false", "-DquarkusRegistryClient=false", f"-Dquarkus.http.port={port}",
               f"-Dkafka.bootstrap.servers={kit.broker().bootstrap}"]
    url = f"http://127.0.0.1:{port}/q/dev-ui/quarkus-kafka-client"
    # It ends with its standard input.
    child = kit.spawn(command, scratch / "log", cwd=project, stdin=subprocess.PIPE)
    try:
        kit.until("the Dev UI is served", lambda: served(f"{url}/topics"), 420, child)
        yield url
    finally:
        kit.end(child)


def quarkus_ui(scratch):
    kit.need("mvn", "java", "node", "npm", "chromium")
    version = V["PUPPETEER_CORE_VERSION"]
    modules = kit.npm(f"puppeteer-core-{version}", f"puppeteer-core@{version}")
    env = {"NODE_PATH": modules / "node_modules", "CHROMIUM": shutil.which("chromium")}
    topic, group = topic_with_group("quarkus")
    SHOTS.mkdir(exist_ok=True)
    with quarkus(scratch) as url:
        for page, steps in (
            ("topics", [f"text={topic}", "follow=.clickableCell|seen-in-a-page-9"]),
            ("consumer-groups", [f"text={group}"]),
            ("nodes", [f"text={kit.broker().port}"]),
        ):
            kit.run(["node", HERE / "shot.js", f"{url}/{page}",
                     SHOTS / f"quarkus-{page}-{servers.under_test()}.png", *steps], 180, env=env,
                    expect="kept")
    return "topic, its records, group and node shown in Chromium; pictures kept"


@contextlib.contextmanager
def terminal(name, command):
    """A program in a terminal of 160 by 45; gives a function that tells what the screen shows."""
    socket, tmux = f"compat-{name}", ["tmux", "-L", f"compat-{name}"]
    env = {"TERM": "xterm-256color", "LANG": "C.UTF-8"}
    kit.run([*tmux, "-f", "/dev/null", "new-session", "-d", "-x", 160, "-y", 45, "-s", socket,
             *command], env=env)
    try:
        yield lambda: kit.run([*tmux, "capture-pane", "-p", "-t", socket], env=env)
    finally:
        with contextlib.suppress(AssertionError):
            kit.run([*tmux, "kill-server"])


def shows(screen, *texts):
    """Whether all the texts stand on a terminal's screen."""
    said = screen()
    return all(text in said for text in texts)


def kaskade(_scratch):
    kit.need("tmux")
    version = V["KASKADE_VERSION"]
    program = kit.python(f"kaskade-{version}", f"kaskade=={version}").parent / "kaskade"
    topic, _group = topic_with_group("kaskade")
    boot = ["-b", kit.broker().bootstrap]
    for command, texts in (
        (["admin", *boot], (topic,)),
        (["consumer", *boot, "-t", topic, "--earliest", "-v", "string"],
         ("seen-in-a-page-0", "seen-in-a-page-9")),
    ):
        with terminal(f"{topic}-{command[0]}", [program, *command]) as screen:
            try:
                kit.until(f"{texts} on the screen", lambda s=screen, t=texts: shows(s, *t), 60)
            except AssertionError as e:
                raise AssertionError(f"{e}\n{screen()}") from e
    return "topics listed and records shown on a terminal"


def apart(body):
    """On a broker without other topics: a screen shows the first ones."""
    def run(scratch):
        with kit.broker_apart():
            return body(scratch)
    return run


SCENARIOS = [
    kit.scenario("quarkus_dev_ui", "topics, records, groups and nodes in headless Chromium",
                 apart(quarkus_ui), version=V["QUARKUS_VERSION"]),
    kit.scenario("kaskade", "its admin and consumer on a terminal", apart(kaskade),
                 version=V["KASKADE_VERSION"]),
]
