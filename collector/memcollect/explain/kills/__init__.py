"""Who was killed for memory, and whose limit it was. Pure.

`counts` reads the kernel's counters alone, `endings` what Kubernetes says of containers and pods, `told`
makes findings of both.
"""

from memcollect.explain.kills.counts import Kill, Level, kills_of
from memcollect.explain.kills.told import find_kills

__all__ = ["Kill", "Level", "find_kills", "kills_of"]
