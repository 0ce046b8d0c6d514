"""The Rust clients: rust-rdkafka, which builds its librdkafka, and rskafka."""

import functools
import pathlib
import re

from compat import kit, paths

HERE = pathlib.Path(__file__).resolve().parent


def version(crate):
    """What Cargo.lock pins."""
    text = (HERE / "Cargo.lock").read_text()
    return re.search(rf'name = "{crate}"\nversion = "([^"]+)"', text)[1]


def check(program, args, _scratch):
    kit.need("cargo", "cc", "make")
    target = paths.CACHE / "rust"
    kit.run(["cargo", "build", "-q", "--locked", "--manifest-path", HERE / "Cargo.toml",
             "--target-dir", target, "--bin", program], 900)
    said = kit.run([target / "debug" / program, kit.broker().bootstrap,
                    kit.unique(f"rust-{program}"), *args], expect=" ok ")
    return said.strip().splitlines()[-1]


SCENARIOS = [
    kit.scenario("rskafka_records", "create, every codec, fetch, delete records",
                 functools.partial(check, "rskafka", []), version=version("rskafka")),
    kit.scenario("rdkafka_records", "admin, idempotence, every codec, group, commit",
                 functools.partial(check, "rdkafka", []), version=version("rdkafka")),
    kit.scenario("rdkafka_transactions", "committed and aborted, read_committed",
                 functools.partial(check, "rdkafka", ["transactions"]),
                 version=version("rdkafka")),
]
