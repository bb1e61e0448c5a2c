"""What is charged for a pod as a whole: its own cgroup, and those that its runtime keeps elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Callable

from memcollect.documents.snapshot import Pod
from memcollect_agent.wire import Cgroup


def charge_of(cgroup: Cgroup) -> int | None:
    """Return memory.current in bytes; None where it was not read."""
    return cgroup.current_bytes


def working_set_of(cgroup: Cgroup) -> int | None:
    """Return memory.current less inactive_file in bytes, as cAdvisor does; None where one was not read."""
    current, inactive = cgroup.current_bytes, (cgroup.stat or {}).get("inactive_file")
    return None if current is None or inactive is None else max(0, current - inactive)


def whole_of(pod: Pod, of: Callable[[Cgroup], int | None]) -> int | None:
    """Return the sum over those cgroups in bytes; None where one has no number, or was not read."""
    apart = [each for each in pod.outside if each.role != "started"]
    apart += [each for each in pod.containers if each.elsewhere]
    cgroups = [pod.cgroup, *(each.cgroup for each in apart)]
    values = [None if each is None else of(each) for each in cgroups]
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None
