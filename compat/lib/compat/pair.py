"""The oracle and the broker under test side by side; every command is run on both.

A command's exit code, standard output and standard error (without log lines) must be equal after
masking; differences are collected, so that one run tells all of them.
"""

import difflib

from . import mask, tool


class Pair:
    """Two brokers and the differences between their answers so far."""

    def __init__(self, oracle, tested, scratch):
        self.brokers = [oracle, tested]
        self.scratch = scratch
        self.differences = []
        self.compared = 0

    def run(self, script, *args, rules=(), order=True, kafka="k39", errors=True, expect=None,
            stdin=None, seconds=60, alone=False):
        """Runs a stock tool on both. "{B}" in an argument is the bootstrap address, "{DATA}" the
        log directory. order=False compares lines as a set; errors=False leaves stderr out;
        expect is a text that the oracle's output must hold, so that equal failures are seen;
        alone gives the tool a JVM of its own.
        Returns the oracle's Ran and the tested one's."""
        ran, texts = [], []
        for broker in self.brokers:
            names = {"{B}": broker.bootstrap, "{DATA}": str(broker.data)}
            own = []
            for arg in map(str, args):
                for name, value in names.items():
                    arg = arg.replace(name, value)
                own.append(arg)
            if alone:
                end = tool.run_alone(script, *own, kafka=kafka, seconds=seconds)
                done = tool.Ran(end.returncode, end.stdout.decode(), end.stderr.decode())
            else:
                done = tool.run(script, *own, kafka=kafka, stdin=stdin, seconds=seconds)
            ran.append(done)
            texts.append(self._text(broker, done, rules, order, errors))
        self.compare(" ".join([script, *map(str, args)]) + (" (4)" if kafka == "k4" else ""), *texts)
        if expect is not None and expect not in ran[0].out + ran[0].err:
            self.differences.append(
                f"{script} {args}: the oracle does not say {expect!r}: {ran[0]}")
        return ran

    def _text(self, broker, done, rules, order, errors):
        replaced = [(broker.data, "LOGDIR"), (broker.bootstrap, "HOST:PORT"),
                    (broker.port, "PORT"), *broker.behind.items()]
        out = mask.mask(done.out, replaced, rules)
        lines = out.splitlines() if order else sorted(out.splitlines())
        if errors:
            lines += ["-- stderr", mask.mask(mask.without_log_lines(done.err), replaced, rules)]
        return "\n".join([f"exit {done.code}", *lines])

    def compare(self, what, oracle, tested):
        """Notes a difference between two masked texts, as a unified diff."""
        self.compared += 1
        if oracle != tested:
            lines = difflib.unified_diff(oracle.splitlines(), tested.splitlines(), "kafka",
                                         "tested", lineterm="", n=1)
            self.differences.append(what + "\n" + "\n".join(lines))
