"""A client's own tests against the broker under test and, in the same run, against Apache Kafka.

A suite is a function `run(cluster, only)`, which runs all its tests, or the named ones, and returns
test name -> "passed", "failed" or "skipped". Tests that only one side fails are run again there, as
most of these suites have tests that a busy machine fails; what fails twice is a difference.
"""

import re

from . import result, servers

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
GO = re.compile(r"^\s*--- (PASS|FAIL|SKIP): (\S+)", re.MULTILINE)
GO_OUTCOMES = {"PASS": PASSED, "FAIL": FAILED, "SKIP": SKIPPED}


def of_go(said):
    """Outcomes in the output of a Go test binary with -test.v, and with them the tests that a
    panic or the time's end cut short, which count as failed unless they are run again."""
    begun = re.findall(r"^=== RUN\s+(\S+)", said, re.MULTILINE)
    ended = {n: GO_OUTCOMES[o] for o, n in GO.findall(said)}
    return ended, {name: FAILED for name in begun} | ended


def of_rust(said):
    """Outcomes in the output of cargo test, all its binaries together."""
    lines = re.findall(r"^test (\S+) \.\.\. .*?(ok|FAILED|ignored)\b", said, re.MULTILINE)
    names = {"ok": PASSED, "FAILED": FAILED, "ignored": SKIPPED}
    return {name: names[outcome] for name, outcome in lines}


def counts(outcomes):
    """ "12 passed, 1 failed, 3 skipped" """
    return ", ".join(f"{sum(o == kind for o in outcomes.values())} {kind}"
                     for kind in (PASSED, FAILED, SKIPPED))


def worse(ours, kafkas):
    """The tests that pass on Kafka and not here. A subtest whose parent never began is missing
    from one side: it counts as failed."""
    return sorted(t for t, o in kafkas.items() if o == PASSED and ours.get(t, FAILED) != PASSED)


def again(cluster, kind, run, outcomes, names):
    """Runs named tests once more on a new cluster and takes over what passes; how many did."""
    if not names:
        return 0
    with cluster(kind) as one:
        second = run(one, names)
    passed = [t for t in names if second.get(t) == PASSED]
    outcomes.update(dict.fromkeys(passed, PASSED))
    return len(passed)


def compare(cluster, run, explained):
    """One line with the counts of both; raises what is worse here and not explained. `cluster`
    (kind) is a context manager that gives what `run` wants; `explained` test -> why."""
    with cluster("kafka") as one:
        kafkas = run(one, None)
    assert any(o == PASSED for o in kafkas.values()), "no test passed on Apache Kafka"
    if servers.under_test() == "kafka":
        return counts(kafkas)
    with cluster(servers.under_test()) as one:
        ours = run(one, None)
    repeated = [again(cluster, servers.under_test(), run, ours, worse(ours, kafkas)),
                again(cluster, "kafka", run, kafkas, worse(kafkas, ours))]
    still, better = worse(ours, kafkas), worse(kafkas, ours)
    unexplained = [t for t in still if t not in explained]
    summary = f"{counts(ours)}; on Kafka {counts(kafkas)}"
    if unexplained:
        raise result.Different(f"{summary}; only here failed: {', '.join(unexplained)}")
    if any(repeated):
        summary += f"; when run again {repeated[0]} passed here and {repeated[1]} on Kafka"
    if better:
        summary += f"; only here passed {len(better)}: {', '.join(better[:3])}"
    return summary + "".join(f"; {t}: {explained[t]}" for t in still)
