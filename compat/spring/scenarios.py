"""Spring Kafka: topics by KafkaAdmin, transactional listeners, rollback, dead letters."""

import functools
import pathlib

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent


def orders(version, _scratch):
    lib = kit.jars(f"spring-{version}", HERE / "pom.xml", **{"spring-kafka_version": version})
    built = kit.classes(f"spring-{version}-classes", lib, HERE / "Orders.java")
    options = [f"-Dservers={kit.broker().bootstrap}", f"-Drun={kit.unique('spring')}"]
    said = kit.run(kit.java(f"{built}:{lib}/*", "Orders", options=options),
                   expect="ok listener threads 3")
    return f"{said.count('ok ')} checks over 300 transactions"


SCENARIOS = [
    kit.scenario(f"orders_{v.replace('.', '_')}", "300 transactions, one poisoned: dead letter",
                 functools.partial(orders, v), version=v)
    for v in kit.V["SPRING_KAFKA_VERSIONS"].split()
]
