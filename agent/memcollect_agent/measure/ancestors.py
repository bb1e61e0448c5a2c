"""The cgroups above what is measured -> wire.Cgroup, for their limits and events.

An OOM kill below a cgroup counts in every cgroup above the victim, but `oom` in memory.events.local counts
only where the limit was (mm/memcontrol.c, mem_cgroup_oom): to say whose limit it was, all of them are needed
up to the root, which has neither limit nor events. Where one is near its limit, what of its charge could be
dropped or swapped is the question, and memory.stat and all other files are read, too: these cost ten times as
much.
"""

from collections.abc import Callable, Iterable

from memcollect_agent.errors import AgentError, GoneError
from memcollect_agent.measure.cgroup import CgroupReading
from memcollect_agent.measure.problems import Problems
from memcollect_agent.read.cgroupfs import CgroupFs
from memcollect_agent.wire import Cgroup

MOST = 256
"""Ancestors that are read at most: a kubelet has three, nested clusters a dozen each."""
NEAR_SHARE = 0.9
"""Of a limit: from this charge on all files are read."""


def paths_above(paths: Iterable[str]) -> list[str]:
    """Return every cgroup above the given ones, each once, from the top down, without the root."""
    above: set[str] = set()
    for path in paths:
        parts = path.strip("/").split("/")[:-1]
        above |= {"/" + "/".join(parts[: depth + 1]) for depth in range(len(parts))}
    return sorted(above, key=lambda path: (path.count("/"), path))


def measure_ancestors(
    cgroups: CgroupFs, paths: Iterable[str], problems: Problems, late: Callable[[], bool] = lambda: False
) -> list[Cgroup]:
    """Return limits and events of the cgroups above `paths`; what cannot be read is a problem.

    When it is `late` the rest is left out, which is a problem too.
    """
    measured: list[Cgroup] = []
    above = paths_above(paths)[:MOST]
    for number, path in enumerate(above):
        if late():
            left = f"{len(above) - number} of {len(above)} cgroups above pods"
            detail = f"the time budget was spent before {left} were read"
            problems.add("node", "ancestors", "budget", detail)
            return measured
        try:
            with cgroups.open(path) as directory:
                reading = CgroupReading(directory)
                reading.limits()
                if _is_near(reading.result()):
                    reading.begin()
                    reading.details()
                measured.append(reading.result())
        except GoneError:
            continue
        except AgentError as error:
            problems.add_error("node", path, error)
    return measured


def _is_near(cgroup: Cgroup) -> bool:
    limit, charge = cgroup.max_bytes, cgroup.current_bytes
    return isinstance(limit, int) and charge is not None and charge >= NEAR_SHARE * limit
