"""How many port-forwards may be open at once.

The client's forwarding thread waits in select(), which fails on any file descriptor of 1024 or more
(FD_SETSIZE of the C library), however many the process may have.
"""

import resource

SELECT_LIMIT = 1024
RESERVED = 64
"""For the standard streams, the API connections, files and what else the process has open."""
PER_WORKER = 6
"""A WebSocket and a socket pair, for the forward that is in use and for the one that is just closing."""
MOST_WORKERS = 256


def most_workers() -> int:
    """Return how many workers may forward at once: at least one, at most 256."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    usable = SELECT_LIMIT if soft == resource.RLIM_INFINITY else min(soft, SELECT_LIMIT)
    return max(1, min(MOST_WORKERS, (usable - RESERVED) // PER_WORKER))
