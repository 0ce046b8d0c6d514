"""The brokers that the tool scenarios share: started once, ended with the interpreter."""

import atexit
import contextlib
import functools
import os
import pathlib
import tempfile

from compat import kit, pair, servers

_stack = contextlib.ExitStack()
atexit.register(_stack.close)


@functools.cache
def _brokers():
    scratch = pathlib.Path(_stack.enter_context(tempfile.TemporaryDirectory(prefix="ottla-lab-")))
    connect = _stack.enter_context(servers.ensemble(scratch))
    kind = servers.under_test()
    embedded = kind == "ottla" and os.environ.get("METADATA") == "embedded"
    made = []
    for side, of, at in (("oracle", "kafka", f"{connect}/oracle"),
                         ("tested", kind, None if embedded else f"{connect}/tested")):
        def make(port=None, more=None, side=side, of=of, at=at):
            return servers.Broker(of, scratch / side, at, port=port, more=more)
        made.append(kit.spied(make, side) if os.environ.get("REQUESTS") else make())
    return tuple(kit.await_metadata(_stack.enter_context(one)) for one in made)


def fresh_pair(scratch):
    """A Pair with no differences yet, over the shared brokers."""
    return pair.Pair(*_brokers(), scratch)
