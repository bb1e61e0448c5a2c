"""The answer of an agent at a given moment: a made-up node's numbers, and of its history what there is then.

A real agent remembers two minutes. So the answer to a question that comes too late has no point left at the
time of the metrics sample, and a benchmark whose answers are always the same would never see that.
"""

import msgspec
from msgspec.structs import replace

from memcollect_agent.wire import (
    Cgroup,
    CgroupHistory,
    Container,
    NodeSample,
    Pod,
    ProcessSums,
    SampleRequest,
)

INTERVAL_SECONDS = 2.0
DEPTH = 60
"""The agent's own defaults: two minutes."""


class LiveAnswers:
    """Answers made anew once a second for everybody who asks the same."""

    def __init__(self, template: bytes) -> None:
        """`template` is an answer with a history."""
        self._sample = msgspec.msgpack.decode(template, type=NodeSample)
        self._kept: dict[tuple[int, float | None], bytes] = {}

    def at(self, now: float, request: SampleRequest) -> bytes:
        """Return what an agent answers at that moment."""
        key = int(now), request.history_since
        if key not in self._kept:
            self._kept = {key: self._made(float(key[0]), request)}
        return self._kept[key]

    def _made(self, now: float, request: SampleRequest) -> bytes:
        history = self._sample.history
        if history is None:
            raise SystemExit("the template has no history")
        times = _times(now, request.history_since)
        sample = replace(
            self._sample,
            sampled_at=now,
            finished_at=now,
            pods=[_pod(pod, now) for pod in self._sample.pods],
            history=replace(history, cgroups=[_ring(each, times) for each in history.cgroups])
            if request.history
            else None,
        )
        return msgspec.msgpack.encode(sample)


def _times(now: float, since: float | None) -> list[float]:
    """Return the times of the points that a ring holds then, from one before `since` on."""
    newest = now - now % INTERVAL_SECONDS
    times = [newest - INTERVAL_SECONDS * back for back in reversed(range(DEPTH))]
    first = next((place for place, time in enumerate(times) if since is None or time >= since), DEPTH)
    return times[max(0, first - 1) :]


def _ring(ring: CgroupHistory, times: list[float]) -> CgroupHistory:
    """Return the ring with as many points, each as its newest: the made-up nodes are at rest."""
    count = len(times)
    return replace(
        ring,
        times=times,
        current_bytes=ring.current_bytes[-1:] * count,
        inactive_file_bytes=ring.inactive_file_bytes[-1:] * count,
        stat={name: column[-1:] * count for name, column in ring.stat.items()},
    )


def _pod(pod: Pod, now: float) -> Pod:
    return replace(
        pod,
        cgroup=_cgroup(pod.cgroup, now),
        containers=[_container(each, now) for each in pod.containers],
    )


def _container(container: Container, now: float) -> Container:
    return replace(container, cgroup=_cgroup(container.cgroup, now), sums=_sums(container.sums, now))


def _cgroup(cgroup: Cgroup, now: float) -> Cgroup:
    return replace(cgroup, read_at=now, current_read_at=now, current_again_read_at=now)


def _sums(sums: ProcessSums, now: float) -> ProcessSums:
    return replace(sums, read_from=now, read_until=now)
