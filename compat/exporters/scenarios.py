"""Burrow and a Prometheus exporter: both read __consumer_offsets itself and tell a group's lag."""

import contextlib
import json
import pathlib
import urllib.error
import urllib.parse
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


@contextlib.contextmanager
def exporting(scratch):
    """The running exporter, which serves on a port."""
    client = f"kafka-python=={kit.V['KAFKA_PYTHON_OLD_VERSION']}"
    python = kit.python(f"group-exporter-{EXPORTER}", client,
                        f"prometheus-kafka-consumer-group-exporter=={EXPORTER}", "setuptools<81")
    program = python.parent / "prometheus-kafka-consumer-group-exporter"
    (port,) = servers.free_ports(1)
    with kit.running([python, program, "-b", kit.broker().bootstrap, "-p", port, "-s"],
                     scratch / "exporter.log") as child:
        yield port, child


def group_exporter(scratch):
    group = group_with_lag("exporter")

    def offset(port):
        lines = [x for x in page(f"http://127.0.0.1:{port}/metrics").splitlines()
                 if x.startswith("kafka_consumer_group_offset{") and f'"{group}"' in x]
        return float(lines[0].split()[-1]) if lines else -1

    with exporting(scratch) as (port, child):
        kit.until("the exporter tells offset 40", lambda: offset(port) == 40, 60, child)
    return "offset 40 of the group"


def prometheus(scratch):
    root = debian.unpacked("prometheus", "prometheus")
    group, (port,) = group_with_lag("prometheus"), servers.free_ports(1)
    query = urllib.parse.quote(f'kafka_consumer_group_lag{{group="{group}"}}')
    url = f"http://127.0.0.1:{port}/api/v1/query?query={query}"

    def lag():
        told = page(url)
        rows = json.loads(told)["data"]["result"] if told else []
        return sum(float(row["value"][1]) for row in rows) if rows else -1

    with exporting(scratch) as (exporter, _child):
        config = scratch / "prometheus.yml"
        config.write_text("global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: groups\n"
                          f"  static_configs: [{{targets: ['127.0.0.1:{exporter}']}}]\n")
        command = [root / "usr/bin/prometheus", f"--config.file={config}",
                   f"--storage.tsdb.path={scratch / 'data'}",
                   f"--web.listen-address=127.0.0.1:{port}"]
        with kit.running(command, scratch / "log") as child:
            kit.until("Prometheus has a lag of 60", lambda: lag() == 60, 90, child)
    return "lag 60 scraped and answered by a query"


SCENARIOS = [
    kit.scenario("burrow", "a group's lag, read from __consumer_offsets", burrow,
                 version="Debian 12's 1.2.1"),
    kit.scenario("group_exporter", "a group's offsets as metrics", group_exporter,
                 version=EXPORTER),
    kit.scenario("prometheus", "Prometheus scrapes that exporter; the lag by its query language",
                 prometheus, version="Debian 12's 2.42"),
]
