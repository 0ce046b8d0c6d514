"""compat/run.sh: finds a system's scenarios, runs them, writes results as JSON lines.

A system is a folder of compat/ with a `scenarios.py`; a scenario is a function of its SCENARIOS
list, takes a scratch directory and returns a one-line summary, raises Skip or any error.
SYSTEM is a folder's name, `all`, or `fast`: the scenarios marked so, which `make test` runs.
"""

import fnmatch
import importlib.util
import json
import os
import pathlib
import sys
import tempfile
import time
import traceback

from . import kit, paths, result, servers
from .alone import ALONE


def systems(wanted):
    """The folders to run. Of `all` Apache Kafka is spared those that are not about it alone."""
    if wanted not in ("all", "fast"):
        return [wanted]
    every = sorted(p.parent.name for p in paths.COMPAT.glob("*/scenarios.py"))
    spared = ALONE if wanted == "all" and servers.under_test() == "kafka" else ()
    return [system for system in every if system not in spared]


def load(system):
    """The scenarios of a folder. What it imports from itself is its own: two may have a `lab`."""
    file = paths.COMPAT / system / "scenarios.py"
    sys.path.insert(0, str(file.parent))
    spec = importlib.util.spec_from_file_location(f"scenarios_{system}", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path.remove(str(file.parent))
    for name, one in list(sys.modules.items()):
        if pathlib.Path(getattr(one, "__file__", None) or "/").parent == file.parent:
            del sys.modules[name]
    return module.SCENARIOS


def run(system, scenario):
    """One result line."""
    line = {"system": system, "scenario": scenario.__name__, "broker": servers.under_test(),
            "what": (scenario.__doc__ or "").strip().splitlines()[0],
            "version": getattr(scenario, "version", ""), "note": getattr(scenario, "note", "")}
    for side in ("tested", "oracle"):
        kit.requests_seen(side)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ottla-compat-") as scratch:
        try:
            line["detail"] = scenario(pathlib.Path(scratch)) or ""
            line["result"] = "passed"
        except result.Skip as e:
            line["result"] = "failed" if os.environ.get("CI") == "true" else "skipped"
            line["detail"] = f"missing: {e}"
        except Exception as e:  # one scenario's failure must not end the run
            line["result"] = "failed"
            expected = isinstance(e, (result.Different, AssertionError, servers.NotReady))
            line["detail"] = str(e) if expected else traceback.format_exc()
    line["requests"] = kit.requests_seen()
    line["requests_of_oracle"] = kit.requests_seen("oracle")
    line["seconds"] = round(time.monotonic() - begun, 1)
    return line


def keep(system, lines, whole):
    """Writes a system's results; a partial run replaces only the scenarios that it ran."""
    file = paths.RESULTS / f"{system}-{servers.under_test()}.jsonl"
    old = file.read_text().splitlines() if file.exists() and not whole else []
    found = {line["scenario"]: line for line in [*map(json.loads, old), *lines]}
    if found:
        file.write_text("".join(json.dumps(line) + "\n" for line in found.values()))


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else "all"
    only = sys.argv[2] if len(sys.argv) > 2 else None
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    paths.RESULTS.mkdir(parents=True, exist_ok=True)
    for system in systems(wanted):
        lines = []
        for scenario in load(system):
            if only and not fnmatch.fnmatch(scenario.__name__, only):
                continue
            if wanted == "fast" and not getattr(scenario, "fast", False):
                continue
            line = run(system, scenario)
            counts[line["result"]] += 1
            lines.append(line)
            keep(system, lines, whole=False)  # a run that is cut short has what it did
            print(f"{line['result']:8} {system}/{line['scenario']} {line['seconds']} s", flush=True)
            if line["result"] != "passed":
                print("    " + line["detail"].replace("\n", "\n    "), flush=True)
        keep(system, lines, whole=not only and wanted != "fast")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    sys.exit(1 if counts["failed"] or not sum(counts.values()) else 0)


main()
