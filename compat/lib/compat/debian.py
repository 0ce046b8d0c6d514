"""Programs of the Debian release this runs on, unpacked into the cache: no root, no conflicts.

Only `apt-get download` and `dpkg -x` are used. It does not resolve dependencies: a scenario names
each package that the machine may lack.
"""

import pathlib
import shutil

from . import kit


def unpacked(folder, *packages):
    """The root of an unpacked set of packages; Skip where apt-get is missing or knows none."""
    kit.need("apt-get", "dpkg")

    def make(to):
        try:
            kit.run(["apt-get", "download", "-q", *packages], 300, cwd=to)
        except AssertionError as e:
            shutil.rmtree(to)
            raise kit.result.Skip(f"Debian packages {' '.join(packages)}") from e
        for archive in to.glob("*.deb"):
            kit.run(["dpkg", "-x", archive, to])
            archive.unlink()

    return kit.fetched(f"debian-{folder}", make)


def libraries(root):
    """The environment under which programs of an unpacked root find their libraries."""
    parts = ["usr/lib/x86_64-linux-gnu", "lib/x86_64-linux-gnu", "usr/lib/syslog-ng",
             "usr/lib/aarch64-linux-gnu", "lib/aarch64-linux-gnu"]
    return {"LD_LIBRARY_PATH": ":".join(str(root / p) for p in parts)}


def one(root, pattern):
    """The one file of a root that matches a pattern."""
    found = sorted(pathlib.Path(root).glob(pattern))
    assert found, f"{pattern} is not in the packages"
    return found[0]
