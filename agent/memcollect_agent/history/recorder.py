"""Follows the cgroups of all pods, and answers for the time that has just passed."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager

from msgspec import Struct, field

from memcollect_agent.errors import AgentError, GoneError, StalledError
from memcollect_agent.history.clocks import Clocks, JumpWatch
from memcollect_agent.history.followed import STAT_FIELDS, Followed, FollowedRoot
from memcollect_agent.history.kills import Killings, killed
from memcollect_agent.history.last import LastKept
from memcollect_agent.history.scan import Place, Scan
from memcollect_agent.history.standing import Standing
from memcollect_agent.parse.stat_fields import StatFields
from memcollect_agent.read.cgroupfs import CgroupFs
from memcollect_agent.redact import visible
from memcollect_agent.wire import CgroupHistory, Cost, History, HistoryRequest, Problem

RESCAN_TICKS = 5
"""A new pod is seen after at most so many ticks; where one came the walk costs as much as a few of them."""


PATIENCE_SECONDS = 10.0
"""For a tick that is under way: one of 2,000 cgroups takes a tenth of a second."""
LOCK_SECONDS = 0.5
"""For one lock: of a tick that was given up it is never given back, and another stands in its place."""


class Settings(Struct, frozen=True, kw_only=True):
    """How much is remembered."""

    interval_seconds: float = 2.0
    depth: int = 61
    """Points of each cgroup: two minutes from the first to the last."""
    max_cgroups: int = 2000
    """Followed at once; each keeps a descriptor open and about 6 KiB."""
    max_kept_open: int = 512
    """Of these, whose two files stay open, too: each keeps a page in the kernel (fs/seq_file.c), which is the
    agent's memory. Those of all others are opened at each tick."""
    max_gone: int = 200
    """Removed cgroups whose points are still kept."""
    clocks: Clocks = field(default_factory=Clocks)
    proc_root: str | None = None
    """Where /proc is, whose vmstat tells whether anything was killed on this node at all. None: the counters
    of every pod are read at every tick instead."""

    @property
    def keep_seconds(self) -> float:
        """How long a point lives."""
        return self.interval_seconds * self.depth


class Recorder:
    """The history of one cgroup tree. `tick()` and `history()` may be called from different threads."""

    def __init__(self, cgroup_root: str, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._cgroups = CgroupFs(cgroup_root)
        self._clocks = self.settings.clocks
        self._lock = threading.Lock()
        self._stat = StatFields(STAT_FIELDS)
        self._root: FollowedRoot | None = None
        self._live: dict[str, Followed] = {}
        self._lost: list[Followed] = []
        """What was found to be removed and is not kept yet: the tick that found it may be given up."""
        self._gone: deque[Followed] = deque()
        self._jumps = JumpWatch(self.settings.keep_seconds)
        self._costs: deque[tuple[float, float]] = deque(maxlen=self.settings.depth)
        self._scan_problems: list[Problem] = []
        self._standing = Standing()
        """What the last walk saw: nothing where it did not see all, or something was lost since."""
        self._began_at: float | None = None
        self._ticks = 0
        self._missed_ticks = 0
        self._last = LastKept()
        self._killings = Killings(self.settings.proc_root)
        self._left_out = 0
        self._forgotten = 0

    def tick(self) -> None:
        """Read one point of every cgroup that is followed; now and then look for new ones."""
        wall, cpu = time.monotonic(), time.thread_time()
        with self._lock:
            self._jumps.look(self._clocks)
            self._began_at = self._began_at or self._clocks.wall()
            self._read_root()
            # Before the points are read: a kill that is seen later is the next tick's, so that the points
            # of this one are then the last before it.
            suspected = self._killings.suspected()
            self._read_all()
            lost, self._lost = self._lost, []
            self._keep_last(lost, suspected=suspected)
            if lost or self._ticks % RESCAN_TICKS == 0:
                self._rescan()
            self._forget_old()
            self._ticks += 1
            self._costs.append((time.monotonic() - wall, time.thread_time() - cpu))

    def give_up(self) -> None:
        """Let the next tick begin though one has not ended: its thread waits in a read, and ends after it."""
        self._lock = threading.Lock()

    def missed(self, ticks: int) -> None:
        """Note that `ticks` fell out."""
        with self._lock:
            self._missed_ticks += ticks

    def history(
        self,
        request: HistoryRequest,
        pack: Callable[[Iterable[CgroupHistory]], list[CgroupHistory]] = list,
        *,
        root: bool = False,
    ) -> History:
        """Return what is remembered of the pods that `request` names.

        With `root` the root cgroup's points come along. `pack` is given each cgroup's points as soon as
        they are unpacked, and what it returns stands in their place: as numbers of Python, those of a whole
        node take many times their size on the wire. Raises StalledError where a tick hangs.
        """
        wanted = None if request.pod_uids is None else {_normal(uid) for uid in request.pod_uids}

        def is_wanted(uid: str) -> bool:
            return wanted is None or _normal(uid) in wanted

        with self._free():
            chosen = [one for one in (*self._live.values(), *self._gone) if is_wanted(one.pod_uid)]
            return History(
                interval_seconds=self.settings.interval_seconds,
                depth=self.settings.depth,
                began_at=self._began_at,
                ticks=self._ticks,
                missed_ticks=self._missed_ticks,
                cgroups=pack(one.history(request.since) for one in chosen),
                left_out=self._left_out,
                forgotten=self._forgotten,
                last=list(self._last.told(is_wanted)),
                clock_jumps=self._jumps.jumps(),
                problems=[*self._scan_problems, *(_problem(one) for one in chosen if one.problem)],
                cost=self._mean_cost(),
                ring_bytes=sum(one.ring.size_bytes for one in (*self._live.values(), *self._gone)),
                root=self._root.history(request.since) if root and self._root is not None else None,
            )

    @contextmanager
    def _free(self) -> Iterator[None]:
        until = time.monotonic() + PATIENCE_SECONDS
        while not (lock := self._lock).acquire(timeout=min(PATIENCE_SECONDS, LOCK_SECONDS)):
            if time.monotonic() >= until:
                raise StalledError(f"a read of the history has not ended for {PATIENCE_SECONDS:g} s or more")
        try:
            yield
        finally:
            lock.release()

    def close(self) -> None:
        """Give all descriptors back; what was recorded can still be asked for."""
        with self._lock:
            for one in self._live.values():
                one.close()
            self._live.clear()
            if self._root is not None:
                self._root.close()

    def _read_root(self) -> None:
        try:
            if self._root is None:
                self._root = FollowedRoot(self._cgroups.open(), depth=self.settings.depth, stat=self._stat)
            self._root.read(self._clocks, self._cgroups)
        except AgentError:
            return  # the scan says why the tree cannot be read

    def _read_all(self) -> None:
        for one in list(self._live.values()):
            if not self._read(one):
                del self._live[one.path]
                self._lost.append(one)

    def _keep_last(self, lost: list[Followed], *, suspected: bool) -> None:
        """Keep the last points of what was removed, and of that in which something was killed."""
        now = self._clocks.wall()
        for one, kills in killed(self._live, lost, suspected=suspected):
            self._last.keep(one, kills, now, skip=0 if one.gone_at is not None else 1)

    def _read(self, one: Followed) -> bool:
        try:
            one.read(self._clocks, self._cgroups)
        except GoneError:
            self._bury(one)
            return False
        except AgentError as error:
            one.problem = visible(str(error))
        return True

    def _bury(self, one: Followed) -> None:
        one.close()
        one.problem = ""
        # In its place another may be, which the count of its parent's children does not tell.
        self._standing = Standing()
        one.gone_at = self._clocks.wall()
        one.gone_monotonic = self._clocks.monotonic()
        if len(one.ring):
            self._gone.append(one)

    def _rescan(self) -> None:
        # All of them, and not only those that are found again: the next tick then drops what was removed.
        for one in self._live.values():
            one.look_again()
        if self._standing.stands(self._cgroups, self._live):
            return
        scan = Scan(self._cgroups)
        self._left_out, is_whole = 0, True
        room = self.settings.max_kept_open - sum(one.keeps_open for one in self._live.values())
        for place in scan.places(self._live):
            if place.path in self._live:
                continue
            if len(self._live) >= self.settings.max_cgroups:
                self._left_out += 1
            elif self._follow(place, scan, keep_open=room > 0):
                room -= 1
            else:
                is_whole = False
        self._scan_problems = scan.problems
        self._standing = scan.standing if is_whole and not scan.problems else Standing()

    def _follow(self, place: Place, scan: Scan, *, keep_open: bool) -> bool:
        """Follow what is there, and return whether it still was."""
        try:
            directory = self._cgroups.open(place.path)
        except GoneError:
            return False
        except AgentError as error:
            scan.note(place.path, error)
            return False
        with ExitStack() as stack:
            stack.callback(directory.close)
            one = Followed(
                directory,
                depth=self.settings.depth,
                stat=self._stat,
                pod_uid=place.pod_uid,
                container_id=place.container_id,
                is_pod=place.is_pod,
                keep_open=keep_open,
            )
            stack.callback(one.close)
            if not self._read(one):
                return False
            self._live[place.path] = one
            stack.pop_all()
        return True

    def _forget_old(self) -> None:
        oldest = self._clocks.monotonic() - self.settings.keep_seconds
        while self._gone and self._gone[0].gone_monotonic < oldest:
            self._gone.popleft()
        while len(self._gone) > self.settings.max_gone:
            self._gone.popleft()
            self._forgotten += 1

    def _mean_cost(self) -> Cost | None:
        if not self._costs:
            return None
        walls, cpus = zip(*self._costs, strict=True)
        return Cost(wall_seconds=sum(walls) / len(walls), cpu_seconds=sum(cpus) / len(cpus))


def _problem(one: Followed) -> Problem:
    kind = "pod" if one.is_pod else "container"
    return Problem(kind=kind, name=visible(one.path), reason="unreadable", detail=one.problem)


def _normal(uid: str) -> str:
    return uid.lower().replace("_", "-")
