"""In which cgroups something was killed for want of memory since the last tick."""

from collections.abc import Iterator, Mapping, Sequence

from memcollect_agent.errors import AgentError
from memcollect_agent.history.followed import Followed
from memcollect_agent.read.procfs import ProcFs


class Killings:
    """Whether the node's own counter of OOM kills has moved: nearly always it has not, and it is one file.

    /proc/vmstat's `oom_kill` counts every kill before the victim's cgroup does (mm/oom_kill.c,
    __oom_kill_process), so the tick after one that moved it is suspect, too.
    """

    def __init__(self, proc_root: str | None) -> None:
        self._proc_root = proc_root
        self._before: int | None = None
        self._moved = False

    def suspected(self) -> bool:
        """Return whether something may have been killed since the last tick; True where it cannot be told."""
        now = self._count()
        moved_before, self._moved = self._moved, now is None or now != self._before
        self._before = now
        return self._moved or moved_before

    def _count(self) -> int | None:
        if self._proc_root is None:
            return None
        try:
            with ProcFs(self._proc_root) as proc:
                return proc.oom_kills()
        except AgentError:
            return None


def killed(
    live: Mapping[str, Followed], lost: Sequence[Followed], *, suspected: bool
) -> Iterator[tuple[Followed, int | None]]:
    """Yield every cgroup of `lost`, and of `live` those that count new kills, with how many they were.

    What a pod counts beyond its living children was in one that is gone. None: the pod went with it, too.
    """
    pods = [one for one in live.values() if one.is_pod]
    gone: dict[str, list[Followed]] = {}
    for one in lost:
        gone.setdefault(one.path.rpartition("/")[0], []).append(one)
    for pod in pods if suspected else ():
        if rise := pod.new_kills():
            children = [(one, one.new_kills() or 0) for one in live.values() if _is_in(one, pod)]
            yield pod, rise
            yield from ((one, kills) for one, kills in children if kills)
            beyond = max(rise - sum(kills for _, kills in children), 0)
            yield from ((one, beyond) for one in gone.pop(pod.path, ()))
    alive = {pod.path for pod in pods}
    for parent, ones in gone.items():
        yield from ((one, 0 if parent in alive else None) for one in ones)


def _is_in(one: Followed, pod: Followed) -> bool:
    return one.path.startswith(f"{pod.path}/")
