"""Σ PSS of every container, by a slow pass of its own: it walks the page tables of every process.

Off unless `--metrics-pss-interval` is given. Between two passes the numbers of the last one stand on the
page, with the time of that pass beside them.
"""

import logging
from collections.abc import Callable

from msgspec import Struct, field

from memcollect_agent.errors import AgentError
from memcollect_agent.redact import visible
from memcollect_agent.repeated import Repeated
from memcollect_agent.wire import Container, NodeSample, SampleRequest

_log = logging.getLogger(__name__)

Sampling = Callable[[SampleRequest], NodeSample]


class ContainerSums(Struct, frozen=True, kw_only=True):
    """What the processes of one container hold, in bytes; None unless every one of them was read."""

    rss: int | None
    pss: int | None
    unread: int
    """Processes that live and could not be read, or not within the time."""


class PssReading(Struct, frozen=True, kw_only=True):
    """One pass, by the cgroup's inode: a path may be made anew."""

    at: float
    """When the pass ended, in seconds since the epoch."""
    containers: dict[int, ContainerSums] = field(default_factory=dict)


class PssPasses(Repeated):
    """Measures at once and then every `interval_seconds`, in a thread of its own. A context manager."""

    def __init__(self, sampling: Sampling, interval_seconds: float) -> None:
        self._sampling = sampling
        self._interval = interval_seconds
        # A sample may take twice its budget: half of the time at most is spent, however much there is.
        self._request = SampleRequest(time_budget_seconds=min(30.0, interval_seconds / 4))
        self._latest: PssReading | None = None
        self._last_fault = ""
        super().__init__(self._next, "memcollect pss")

    @property
    def latest(self) -> PssReading | None:
        """The last pass that succeeded."""
        return self._latest

    def measure(self) -> None:
        """Make one pass. A node that cannot be measured has no numbers, not those of before."""
        try:
            self._latest = summed(self._sampling(self._request))
        except Exception as error:  # noqa: BLE001 - a fault of ours in one pass must not end all later ones
            self._latest = None
            said = str(error) if isinstance(error, AgentError) else repr(error)
            if said != self._last_fault:
                self._last_fault = said
                _log.warning("no PSS for the metrics: %s", visible(said)[:300])

    def _next(self) -> float:
        self.measure()
        return self._interval


def summed(sample: NodeSample) -> PssReading:
    """Return what of `sample` the page needs."""
    # A list of processes that could not be read leaves sums of a part of them, or of none.
    unlisted = [problem.name for problem in sample.problems if problem.kind == "container"]
    containers = [container for pod in sample.pods for container in pod.containers]
    return PssReading(
        at=sample.finished_at,
        containers={
            one.cgroup.inode: _sums(one, whole=not any(_within(name, one.cgroup.path) for name in unlisted))
            for one in containers
            if one.cgroup.inode is not None
        },
    )


def _within(name: str, path: str) -> bool:
    return name == path or name.startswith(f"{path}/")


def _sums(container: Container, *, whole: bool) -> ContainerSums:
    sums = container.sums
    unread = len(sums.skipped) + sums.skipped_unlisted
    if not whole or unread:
        return ContainerSums(rss=None, pss=None, unread=unread)
    return ContainerSums(rss=sums.rss_bytes, pss=sums.pss_bytes, unread=0)
