"""ClickHouse's Kafka table engine, as chdb carries it: INSERT produces, a view consumes."""

import pathlib

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent
V = kit.V["CHDB_VERSION"]


def engine(_scratch):
    python = kit.python(f"clickhouse-{V}", f"chdb=={V}")
    return kit.run([python, HERE / "engine.py", kit.broker().bootstrap, kit.unique("clickhouse")],
                   expect="ok rows").strip().splitlines()[-1]


SCENARIOS = [kit.scenario("engine", "INSERT produces, a materialized view consumes", engine,
                          version=f"chdb {V}", note="the engine inside chdb, not the server")]
