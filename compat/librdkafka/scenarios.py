"""librdkafka itself: a C program, and kcat, which is built on it."""

import functools
import pathlib

from compat import kit

HERE = pathlib.Path(__file__).resolve().parent


def roundtrip(mode, scratch):
    kit.need("cc", "pkg-config")
    flags = kit.run(["sh", "-c", "pkg-config --cflags --libs rdkafka || true"]).split()
    if "-lrdkafka" not in flags:
        raise kit.result.Skip("librdkafka-dev")
    kit.run(["cc", HERE / "roundtrip.c", "-o", scratch / "roundtrip", *flags])
    return kit.run([scratch / "roundtrip", kit.broker().bootstrap, kit.unique("c"), *mode],
                   expect=" ok ").strip()


def kcat(_scratch):
    kit.need("kcat")
    topic, base = kit.unique("kcat"), ["kcat", "-b", kit.broker().bootstrap]
    sent = []
    for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
        lines = [f"{codec}-{i}:value {i}" for i in range(200)]
        kit.run([*base, "-P", "-t", topic, "-K:", "-z", codec, "-H", "made=by kcat"],
                text="\n".join(lines) + "\n")
        sent += lines
    simple = kit.run([*base, "-C", "-q", "-t", topic, "-e", "-f", "%k:%s\\n"]).splitlines()
    assert sorted(simple) == sorted(sent), f"{len(simple)} of {len(sent)} by partition"
    group = kit.run([*base, "-G", topic, "-q", "-c", len(sent), "-X", "auto.offset.reset=earliest",
                     "-f", "%k:%s %h\\n", topic]).splitlines()
    assert sorted(group) == sorted(f"{x} made=by kcat" for x in sent), f"{len(group)} in a group"
    listed = kit.run([*base, "-L", "-t", topic])
    assert f'topic "{topic}" with 3 partitions' in listed, listed
    return f"{len(sent)} records by partition and in a group, topic listed"


SCENARIOS = [
    kit.scenario("kcat", "-P with each codec, -C, -G, -L", kcat, True, "Debian's"),
    kit.scenario("roundtrip", "C program: admin, idempotence, every codec, group, commit",
                 functools.partial(roundtrip, []), True, "the system's librdkafka-dev"),
    kit.scenario("transactions", "C program: committed and aborted, an offset inside",
                 functools.partial(roundtrip, ["transactions"]), True,
                 "the system's librdkafka-dev"),
]
