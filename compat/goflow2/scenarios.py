"""goflow2, a collector of NetFlow, built from its Go module: its Kafka transport."""

import json
import socket
import struct

from compat import kit, servers

V = kit.V["GOFLOW2_VERSION"]
COUNT = 20


def built(folder):
    module, flags = "github.com/netsampler/goflow2/v2", {"GOFLAGS": "-mod=mod"}
    (folder / "go.mod").write_text("module goflow2\n\ngo 1.26\n")
    kit.run(["go", "get", f"{module}/cmd/goflow2@v{V}"], 900, cwd=folder, env=flags)
    kit.run(["go", "build", "-o", folder / "goflow2", f"{module}/cmd/goflow2"], 900, cwd=folder,
            env=flags)


def packet(number):
    """A NetFlow 5 packet with one flow, told apart by its source port."""
    head = struct.pack(">HHIIIIBBH", 5, 1, 1000, 1700000000, 0, number, 0, 0, 0)
    flow = struct.pack(">4s4s4sHHIIIIHHBBBBHHBBH", bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]),
                       bytes(4), 1, 2, 3, 150, 100, 900, 1000 + number, 53, 0, 0, 17, 0, 0, 0, 24,
                       24, 0)
    return head + flow


def netflow(scratch):
    kit.need("go", "kcat")
    program = kit.fetched(f"goflow2-{V}", built) / "goflow2"
    flows, page = servers.free_ports(2)
    topic, boot = kit.create(kit.unique("goflow2")), kit.broker().bootstrap
    command = [program, "-listen", f"netflow://127.0.0.1:{flows}", "-addr", f"127.0.0.1:{page}",
               "-transport", "kafka", "-transport.kafka.brokers", boot,
               "-transport.kafka.topic", topic, "-transport.kafka.flushfreq", "100ms",
               "-format", "json"]
    with kit.running(command, scratch / "log") as child:
        kit.until("goflow2 serves its page", lambda: servers.listens(page), 60, child)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for number in range(COUNT):
                s.sendto(packet(number), ("127.0.0.1", flows))
        said = kit.run(["kcat", "-b", boot, "-C", "-q", "-t", topic, "-o", "beginning",
                        "-c", COUNT])
    ports = sorted(json.loads(line)["src_port"] for line in said.splitlines())
    assert ports == [1000 + n for n in range(COUNT)], ports
    return f"{COUNT} NetFlow records as JSON"


SCENARIOS = [kit.scenario("netflow", "NetFlow in, sarama's producer out", netflow, version=V)]
