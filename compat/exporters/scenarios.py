"""Burrow and a Prometheus exporter: both read __consumer_offsets itself and tell a group's lag."""

import json
import pathlib
import urllib.error
import urllib.request

from compat import debian, kit, servers, tool

HERE = pathlib.Path(__file__).resolve().parent
EXPORTER = kit.V["GROUP_EXPORTER_VERSION"]


def group_with_lag(name):
    """A topic of one partition with 100 records, of which a group has read and committed 40."""
    topic, boot = kit.create(kit.unique(name), 1), ("--bootstrap-server", kit.broker().bootstrap)
    for args, text in (
        (("kafka-console-producer", *boot, "--topic", topic), "".join(
            f"line {i}\n" for i in range(100))),
        (("kafka-console-consumer", *boot, "--topic", topic, "--group", topic,
          "--from-beginning", "--max-messages", 40, "--timeout-ms", 30000), None),
    ):
        done = tool.run(*args, stdin=text)
        assert done.code == 0, done
    return topic


def page(url):
    """What a server answers; empty while it does not."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read().decode()
    except (urllib.error.URLError, OSError):
        return ""


def burrow(scratch):
    root, port = debian.unpacked("burrow", "burrow"), servers.free_ports(1)[0]
    broker = kit.broker()
    group = group_with_lag("burrow")
    zookeeper = kit.zookeeper_of(broker)
    text = (HERE / "burrow.toml").read_text()
    for name, value in {"DIR": scratch, "BOOT": broker.bootstrap, "PORT": port,
                        "ZK": zookeeper.split("/")[0]}.items():
        text = text.replace(f"@{name}@", str(value))
    (scratch / "burrow.toml").write_text(text)
    url = f"http://127.0.0.1:{port}/v3/kafka/local/consumer/{group}/lag"

    def lag():
        told = page(url)
        return json.loads(told).get("status", {}).get("totallag", -1) if told else -1

    with kit.running([root / "usr/bin/Burrow", f"--config-dir={scratch}"], scratch / "log",
                     cwd=scratch) as child:
        kit.until("Burrow tells a lag of 60", lambda: lag() == 60, 60, child)
    return "lag 60 of a group that read 40 of 100"


def group_exporter(scratch):
    client = f"kafka-python=={kit.V['KAFKA_PYTHON_OLD_VERSION']}"
    python = kit.python(f"group-exporter-{EXPORTER}", client,
                        f"prometheus-kafka-consumer-group-exporter=={EXPORTER}", "setuptools<81")
    port, group = servers.free_ports(1)[0], group_with_lag("exporter")
    program = python.parent / "prometheus-kafka-consumer-group-exporter"
    url = f"http://127.0.0.1:{port}/metrics"

    def offset():
        lines = [x for x in page(url).splitlines()
                 if x.startswith("kafka_consumer_group_offset{") and f'"{group}"' in x]
        return float(lines[0].split()[-1]) if lines else -1

    with kit.running([python, program, "-b", kit.broker().bootstrap, "-p", port, "-s"],
                     scratch / "log") as child:
        kit.until("the exporter tells offset 40", lambda: offset() == 40, 60, child)
    return "offset 40 of the group"


SCENARIOS = [
    kit.scenario("burrow", "a group's lag, read from __consumer_offsets", burrow,
                 version="Debian 12's 1.2.1"),
    kit.scenario("group_exporter", "a group's offsets as metrics", group_exporter,
                 version=EXPORTER),
]
