"""Telegraf, built from its Go module: outputs.kafka out, inputs.kafka_consumer (0.10.2) in."""

import pathlib
import socket

from compat import kit, servers

HERE = pathlib.Path(__file__).resolve().parent
V = kit.V["TELEGRAF_VERSION"]
COUNT = 2000
# Only the plugins used: all of them would need hundreds of modules more.
TAGS = ("custom,inputs.kafka_consumer,inputs.socket_listener,outputs.kafka,outputs.file,"
        "parsers.influx,serializers.influx")


def built(folder):
    module, flags = "github.com/influxdata/telegraf", {"GOFLAGS": "-mod=mod"}
    (folder / "go.mod").write_text("module telegraf\n\ngo 1.26\n")
    kit.run(["go", "get", f"{module}@v{V}"], 900, cwd=folder, env=flags)
    kit.run(["go", "build", "-tags", TAGS, "-o", folder / "telegraf", f"{module}/cmd/telegraf"],
            900, cwd=folder, env=flags)


def metrics(scratch):
    kit.need("go")
    program = kit.fetched(f"telegraf-{V}", built) / "telegraf"
    port, topic = servers.free_ports(1)[0], kit.create(kit.unique("telegraf"))
    text = (HERE / "telegraf.conf").read_text()
    for name, value in {"BOOT": kit.broker().bootstrap, "TOPIC": topic, "PORT": port,
                        "DIR": scratch}.items():
        text = text.replace(f"@{name}@", str(value))
    (scratch / "telegraf.conf").write_text(text)
    out = scratch / "out.txt"

    def arrived():
        """The numbers that came back, as metrics named "got"."""
        lines = out.read_text().splitlines() if out.exists() else []
        return [int(x.split("n=")[1].split("i")[0]) for x in lines if x.startswith("got ")]

    with kit.running([program, "--config", scratch / "telegraf.conf"], scratch / "log") as child:
        kit.until("Telegraf listens", lambda: servers.listens(port), 60, child)
        with socket.create_connection(("127.0.0.1", port), 10) as s:
            s.sendall("".join(f"cpu n={i}i\n" for i in range(COUNT)).encode())
        kit.until("the metrics come back", lambda: len(set(arrived())) >= COUNT, 60, child)
    got = arrived()
    assert sorted(got) == list(range(COUNT)), f"{len(got)} metrics of {COUNT}"
    return f"{COUNT} metrics out by v2 batches, back by Fetch 3"


SCENARIOS = [kit.scenario("metrics", "outputs.kafka out, inputs.kafka_consumer in", metrics,
                          version=V)]
