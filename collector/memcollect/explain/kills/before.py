"""What a container held before it was killed, or ended: the agent's last points of it. Pure.

The agent looks every two seconds, and a program can fill a limit in less. So what is told is a reading with
its time, and where it was far from the limit, that the rest came after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from memcollect.documents.snapshot import Container, Pod
from memcollect.explain.kills.counts import Kill
from memcollect.units import human_bytes
from memcollect_agent.wire import CgroupHistory, LastPoints

FAR_FROM_LIMIT = 0.9
"""Below this share of the limit a reading cannot be what filled it."""
WORTH_TELLING = 0.05
"""Parts of this share and more are named."""


def before_kill(pod: Pod, kill: Kill, name: str | None) -> str:
    """Return a sentence on what was held before the newest of these kills; "" where nobody looked.

    `name` is of the container that was killed, where it is known.
    """
    killed = [each for each in pod.last_points if each.oom_kills]
    own = [each for each in killed if _is_of(each, pod, kill.victim, name)]
    of_pod = [each for each in killed if each.cgroup.is_pod and kill.blame == "pod"]
    found = _newest(own) or _newest(of_pod)
    if found is None:
        return ""
    who = "the pod" if found.cgroup.is_pod else f"container {name}" if name else "the container"
    return _told(found, who, kill.level.limit_bytes if kill.level is not None else None)


def before_end(pod: Pod, container: Container) -> str:
    """Return a sentence on a container's last reading before it ended; "" where nobody looked."""
    end = container.last_termination
    if end is None or end.container_id is None:
        return ""
    found = _newest(each for each in pod.last_points if each.cgroup.container_id == end.container_id)
    return _told(found, f"container {container.name}", None) if found is not None else ""


def _is_of(each: LastPoints, pod: Pod, victim: str, name: str | None) -> bool:
    if victim == "pod":
        return each.cgroup.is_pod
    ids = {one.id for one in pod.containers if one.id}
    if victim:
        return each.cgroup.container_id in {one.id for one in pod.containers if one.name == victim}
    ended = {
        one.last_termination.container_id
        for one in pod.containers
        if one.last_termination is not None and name in (None, one.name)
    }
    lives = each.cgroup.container_id in ids and each.cgroup.gone_at is None
    return not each.cgroup.is_pod and (each.cgroup.container_id in ended or not lives)


def _newest(found: Iterable[LastPoints]) -> LastPoints | None:
    return max(found, key=lambda each: each.noticed_at, default=None)


def _told(last: LastPoints, who: str, limit_bytes: int | None) -> str:
    cgroup = last.cgroup
    held = cgroup.current_bytes[-1] if cgroup.current_bytes else None
    if held is None:
        return ""
    of_limit = f" of {human_bytes(limit_bytes)}" if limit_bytes else ""
    told = (
        f" At {_clock(cgroup.times[-1])}, the last reading before, {who} held {human_bytes(held)}{of_limit}"
    )
    parts = [f"{human_bytes(size)} {words}" for size, words in _parts(cgroup) if size >= WORTH_TELLING * held]
    told += f": {', '.join(parts)}" if parts else ""
    if limit_bytes and held < FAR_FROM_LIMIT * limit_bytes:
        told += f"; the rest came within {max(last.noticed_at - cgroup.times[-1], 0):.0f} s"
    return f"{told}."


def _parts(cgroup: CgroupHistory) -> list[tuple[int, str]]:
    """Return the parts of the last reading, the largest first, without what the kernel does not itemise."""
    stat = {name: column[-1] for name, column in cgroup.stat.items() if column[-1] is not None}
    file, shmem = stat.get("file"), stat.get("shmem")
    kernel = [size for size in (stat.get("kernel"), stat.get("sock")) if size is not None]
    parts = [
        (stat.get("anon"), "private memory"),
        (shmem, "tmpfs or shared memory"),
        (file - shmem if file is not None and shmem is not None else None, "page cache"),
        (sum(kernel) if kernel else None, "kernel memory"),
    ]
    return sorted(((size, words) for size, words in parts if size is not None), key=lambda part: -part[0])


def _clock(at: float) -> str:
    """Return a time of day of the node's clock: readings are minutes old, so that no date is needed."""
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S} UTC"
