"""Ports of this machine for servers that tests start."""

import contextlib
import random

from memcollect_agent.errors import ListenError
from memcollect_agent.serve.addresses import Address, listen

BELOW_CONNECTIONS = range(20_000, 30_000)
"""From 32768 on the kernel gives ports to connections: one of them could have it before its server starts."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    for port in random.sample(BELOW_CONNECTIONS, 100):
        with contextlib.suppress(ListenError), listen(Address("127.0.0.1", port)):
            return port
    raise AssertionError("a hundred ports are taken")
