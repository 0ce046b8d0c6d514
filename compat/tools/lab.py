"""The brokers that the tool scenarios share: started once, ended with the interpreter."""

import atexit
import contextlib
import functools
import os
import pathlib
import tempfile

from compat import pair, servers

_stack = contextlib.ExitStack()
atexit.register(_stack.close)


@functools.cache
def _brokers():
    scratch = pathlib.Path(_stack.enter_context(tempfile.TemporaryDirectory(prefix="ottla-lab-")))
    connect = _stack.enter_context(servers.ensemble(scratch))
    kind = servers.under_test()
    embedded = kind == "ottla" and os.environ.get("METADATA") == "embedded"
    oracle = servers.Broker("kafka", scratch / "oracle", connect + "/oracle")
    tested = servers.Broker(kind, scratch / "tested", None if embedded else connect + "/tested")
    return _stack.enter_context(oracle), _stack.enter_context(tested)


def fresh_pair(scratch):
    """A Pair with no differences yet, over the shared brokers."""
    return pair.Pair(*_brokers(), scratch)
