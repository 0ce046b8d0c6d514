"""Kafka Connect, distributed: an exactly-once file source and a sink, the worker killed."""

import json
import pathlib
import signal
import urllib.error
import urllib.request

from compat import kit, paths, servers, tool

HERE = pathlib.Path(__file__).resolve().parent
V = kit.V["KAFKA_VERSION"]
LINES = 3000


class Worker:
    """One distributed worker on a broker, and its REST API."""

    def __init__(self, scratch):
        self.lib = kit.jars(f"connect-{V}", HERE / "pom.xml", kafka_version=V,
                            slf4j_version=kit.V["SLF4J_VERSION"])
        self.port, self.scratch = servers.free_ports(1)[0], scratch
        text = (HERE / "worker.properties").read_text()
        for name, value in {"BOOT": kit.broker().bootstrap, "PORT": self.port,
                            "RUN": kit.unique("connect")}.items():
            text = text.replace(f"@{name}@", str(value))
        (scratch / "worker.properties").write_text(text)

    def start(self):
        path = f"{paths.CACHE / 'log-tool'}:{self.lib}/*"
        child = kit.spawn(kit.java(path, "org.apache.kafka.connect.cli.ConnectDistributed",
                                   self.scratch / "worker.properties", heap=512),
                          self.scratch / "worker.log")
        kit.until("the worker answers", lambda: self.call("GET", "/connectors") is not None, 120,
                  child)
        return child

    def call(self, method, path, body=None):
        """The answer; None while the worker has none, as when it rebalances."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method=method,
            headers={"Content-Type": "application/json"},
            data=json.dumps(body).encode() if body else None)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except (urllib.error.URLError, OSError, ValueError):
            return None

    def configure(self, name, **config):
        config = {"tasks.max": "1", **{k.replace("_", "."): v for k, v in config.items()}}
        kit.until(f"connector {name} is taken",
                  lambda: self.call("PUT", f"/connectors/{name}/config", config) is not None, 60)


def file_to_file(scratch):
    worker, topic = Worker(scratch), kit.unique("connect-lines")
    source, sink = scratch / "in.txt", scratch / "out.txt"
    source.write_text("".join(f"line {i}\n" for i in range(LINES)))
    child = worker.start()
    worker.configure("src", connector_class="FileStreamSource", file=str(source), topic=topic,
                     exactly_once_support="required")
    worker.configure("snk", connector_class="FileStreamSink", file=str(sink), topics=topic,
                     consumer_override_isolation_level="read_committed")

    def arrived():
        return set(sink.read_text().splitlines()) if sink.exists() else set()

    kit.until("the first lines arrive", lambda: len(arrived()) >= LINES, 90, child)
    kit.end(child, signal.SIGKILL)
    with open(source, "a", encoding="utf-8") as more:
        more.writelines(f"line {i}\n" for i in range(LINES, LINES + 1000))
    child = worker.start()
    wanted = {f"line {i}" for i in range(LINES + 1000)}
    kit.until("all lines arrive", lambda: arrived() >= wanted, 120, child)
    assert arrived() == wanted, "other lines than were written"
    done = tool.run("kafka-console-consumer", "--bootstrap-server", kit.broker().bootstrap,
                    "--topic", topic, "--from-beginning", "--isolation-level", "read_committed",
                    "--timeout-ms", 5000)
    got = done.out.splitlines()
    assert sorted(got) == sorted(wanted), f"{len(got)} records of {len(wanted)} in the topic"
    kit.end(child)
    return f"{len(wanted)} lines, each once in the topic after kill -9"


SCENARIOS = [kit.scenario("file_to_file", "exactly-once source, sink, kill -9", file_to_file,
                          version=V)]
