"""Apicurio Registry with its schemas in a topic: killed, it knows them again; Confluent's API."""

import json
import pathlib
import signal
import tarfile
import urllib.request

from compat import kit, servers

V = kit.V["APICURIO_VERSION"]


def unpacked(folder):
    artifact = f"io.apicurio:apicurio-registry-app:{V}:tar.gz:all"
    kit.run(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}",
             f"-DoutputDirectory={folder}"], 600)
    archive = folder / f"apicurio-registry-app-{V}-all.tar.gz"
    with tarfile.open(archive) as t:
        t.extractall(folder)
    archive.unlink()


class Registry:
    """One registry process over the shared broker, and its REST API."""

    def __init__(self, scratch):
        self.folder = kit.fetched(f"apicurio-{V}", unpacked)
        self.port, self.scratch = servers.free_ports(1)[0], scratch
        run = kit.unique("registry")
        settings = {
            "quarkus.http.port": self.port, "quarkus.http.host": "127.0.0.1",
            "apicurio.storage.kind": "kafkasql",
            "apicurio.kafkasql.bootstrap.servers": kit.broker().bootstrap,
            "apicurio.kafkasql.topic": f"{run}-journal",
            "apicurio.kafkasql.snapshots.topic": f"{run}-snapshots",
            "apicurio.events.kafka.topic": f"{run}-events",
            "apicurio.kafkasql.consumer.group.prefix": f"{run}-",
        }
        self.options = [f"-D{k}={v}" for k, v in settings.items()]

    def start(self):
        jar = self.folder / f"apicurio-registry-app-{V}-runner.jar"
        child = kit.spawn(["java", "-Xmx512m", *self.options, "-jar", jar],
                          self.scratch / "registry.log")
        kit.until("the registry is ready", self.ready, 120, child)
        return child

    def ready(self):
        try:
            return self.call("GET", "/health/ready", base="")["status"] == "UP"
        except (OSError, ValueError):
            return False

    def call(self, method, path, body=None, base="/apis/ccompat/v7"):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{base}{path}", method=method,
            headers={"Content-Type": "application/json"},
            data=json.dumps(body).encode() if body else None)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)


def order(fields):
    return {"schema": json.dumps({"type": "record", "name": "Order", "fields": fields})}


def schemas(scratch):
    kit.need("java", "mvn")
    registry, path = Registry(scratch), "/subjects/orders-value/versions"
    one = [{"name": "id", "type": "long"}]
    two = one + [{"name": "buyer", "type": "string", "default": ""}]
    child = registry.start()
    ids = [registry.call("POST", path, order(fields))["id"] for fields in (one, two)]
    kit.end(child, signal.SIGKILL)
    child = registry.start()
    assert registry.call("GET", "/subjects") == ["orders-value"]
    assert registry.call("GET", path) == [1, 2]
    assert registry.call("POST", path, order(two))["id"] == ids[1], "another id after the kill"
    schema = json.loads(registry.call("GET", f"/schemas/ids/{ids[0]}")["schema"])
    assert schema["fields"] == one, schema
    kit.end(child)
    return "two versions of a schema and their ids known after kill -9"


SCENARIOS = [kit.scenario("schemas", "schemas kept in a topic over kill -9", schemas, version=V)]
