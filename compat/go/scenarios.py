"""The Go clients: franz-go, sarama at five protocol levels, kafka-go, confluent-kafka-go."""

import functools
import pathlib

from compat import kit, paths

HERE = pathlib.Path(__file__).resolve().parent
TRANSACTIONS = "committed and aborted, read_committed"
RECORDS = "admin, every codec, group, commit"


def versions():
    """Module path to version, from go.mod, which pins them."""
    lines = (HERE / "go.mod").read_text().splitlines()
    return {line.split()[0]: line.split()[1] for line in lines if line.startswith("\t")}


def built(program):
    kit.need("go")
    out = paths.CACHE / "go" / program
    sources = [*HERE.glob("go.*"), *(HERE / program).glob("*.go")]
    if not out.exists() or out.stat().st_mtime < max(s.stat().st_mtime for s in sources):
        kit.run(["go", "build", "-o", out, f"./{program}"], 600, cwd=HERE)
        out.touch()
    return out


def check(program, args, _scratch):
    said = kit.run([built(program), kit.broker().bootstrap, kit.unique(f"go-{program}"), *args],
                   expect=" ok ")
    return said.strip().splitlines()[-1]


def one(name, what, program, module, args=(), fast=False, level=""):
    version = versions()[module] + (f" at {level}" if level else "")
    return kit.scenario(name, what, functools.partial(check, program, args), fast, version)


FRANZ, SARAMA = "github.com/twmb/franz-go", "github.com/IBM/sarama"
CONFLUENT = "github.com/confluentinc/confluent-kafka-go/v2"
SCENARIOS = [
    one("franz_records", RECORDS, "franz", FRANZ, (), True),
    one("franz_transactions", TRANSACTIONS, "franz", FRANZ, ("transactions",), True),
    one("sarama_records", RECORDS, "sarama", SARAMA, ("2.8.0",), level="2.8.0"),
    one("sarama_transactions", TRANSACTIONS, "sarama", SARAMA, ("2.8.0", "transactions"),
        level="2.8.0"),
    one("sarama_0_10_2", RECORDS, "sarama", SARAMA, ("0.10.2.0",), level="0.10.2.0"),
    one("sarama_1_0", RECORDS, "sarama", SARAMA, ("1.0.0",), level="1.0.0"),
    one("sarama_3_9", RECORDS, "sarama", SARAMA, ("3.9.0",), level="3.9.0"),
    one("kafka_go_records", RECORDS, "kafkago", "github.com/segmentio/kafka-go"),
    one("kafka_go_transactions", "an offset committed in a transaction, one aborted", "kafkago",
        "github.com/segmentio/kafka-go", ("transactions",)),
    one("confluent_records", RECORDS, "confluent", CONFLUENT),
    one("confluent_transactions", TRANSACTIONS, "confluent", CONFLUENT, ("transactions",)),
]
