"""One cgroup that the history follows: its open directory, its ring, and what it is."""

from collections.abc import Sequence

import msgspec

from memcollect_agent.errors import AgentError, GoneError, ParseError
from memcollect_agent.history.clocks import Clocks
from memcollect_agent.history.ring import Ring, Row
from memcollect_agent.parse import flat_keyed, single_value
from memcollect_agent.parse.stat_fields import StatFields
from memcollect_agent.read import files
from memcollect_agent.read.cgroupfs import CgroupDir, CgroupFs
from memcollect_agent.redact import visible
from memcollect_agent.wire import CgroupHistory

STAT_FIELDS = (
    "inactive_file",
    "active_file",
    "inactive_anon",
    "active_anon",
    "unevictable",
    "anon",
    "file",
    "shmem",
    "kernel",
    "sock",
    "slab_reclaimable",
)
"""What the composition of a working set is made from, all of it from memory.stat, in bytes."""
STAT_LIMIT = 16384
"""Bytes; Linux 7.2 writes 1.6 KiB and builds the text in one page, so more is no memory.stat."""
CURRENT_LIMIT = 64
"""Bytes of a number and the end of its line."""
EVENTS_LIMIT = 4096
"""Bytes; Linux 7.2 writes 80."""
FILES_OF_EACH = 2
"""Read at each tick: memory.stat and memory.current."""
NO_MEMORY = "it has no memory.stat: the memory controller is not enabled for this cgroup"


_NO_NUMBERS: list[int | None] = [None] * len(STAT_FIELDS)


class Followed:
    """An open cgroup and its points. `close()` it when it is gone; the points stay."""

    def __init__(  # noqa: PLR0913 - what identifies a cgroup, all of it named
        self,
        directory: CgroupDir,
        *,
        depth: int,
        stat: StatFields,
        pod_uid: str,
        container_id: str | None,
        is_pod: bool,
        keep_open: bool,
    ) -> None:
        """Follow `directory`; with `keep_open` its two files are opened once and not at each tick."""
        self.directory = directory
        self.path = directory.path
        self.inode = directory.inode
        self.pod_uid = pod_uid
        self.container_id = container_id
        self.is_pod = is_pod
        self.problem = ""
        """Why the last point lacks numbers, or why there was none; "" when it was whole."""
        self.gone_at: float | None = None
        self.gone_monotonic = 0.0
        self.ring = Ring(depth, 1 + len(STAT_FIELDS))
        self._stat = stat
        # Put together once: they are needed at every read, and only an error shows them.
        self._place = f"{directory.root}{directory.path.rstrip('/')}"
        self.keeps_open = keep_open
        self._stat_file = self._record("memory.stat", STAT_LIMIT)
        self._current_file = self._record("memory.current", CURRENT_LIMIT)
        self._without_memory = False
        self.oom_kills = self._count_kills()
        """What memory.events counted when it was last looked at; None where that cannot be read."""

    def close(self) -> None:
        """Give the descriptors back."""
        self._stat_file.close()
        self._current_file.close()
        self.directory.close()

    def read(self, clocks: Clocks, cgroups: CgroupFs) -> None:
        """Append a point. Raises GoneError when the cgroup was removed."""
        if self._without_memory:
            return
        self.problem = ""
        try:
            # cAdvisor's order: memory.stat, memory.current, then the clock.
            numbers = self._read_stat()
            current = self._read_current()
        except GoneError:
            self._require_present(cgroups)
            self._without_memory, self.problem = True, NO_MEMORY
            return
        if numbers is not None or current is not None:
            self.ring.append(clocks.wall(), [current, *(numbers or _NO_NUMBERS)])

    def new_kills(self) -> int | None:
        """Return by how much `oom_kill` has risen since this was last asked; None where it cannot be told."""
        before, self.oom_kills = self.oom_kills, self._count_kills()
        if before is None or self.oom_kills is None:
            return None
        return max(self.oom_kills - before, 0)

    def look_again(self) -> None:
        """Try the next time even if memory files were missing: by then they may be there, or it be gone."""
        self._without_memory = False

    def history(self, since: float | None) -> CgroupHistory:
        """Return the points as the wire has them."""
        return with_points(self.identity(), self.ring.rows(since))

    def identity(self) -> CgroupHistory:
        """Return what it is, without any points."""
        return CgroupHistory(
            path=visible(self.path),
            inode=self.inode,
            pod_uid=visible(self.pod_uid),
            container_id=self.container_id,
            is_pod=self.is_pod,
            gone_at=self.gone_at,
        )

    def _record(self, name: str, limit: int) -> files.Record:
        path = f"{self._place}/{name}"
        return files.Record(name, self.directory.fd, path, limit, keep=self.keeps_open)

    def _read_stat(self) -> list[int | None] | None:
        try:
            data = self._stat_file.read()
            if len(data) >= STAT_LIMIT:
                raise ParseError(self._stat_file.path, 0, f"is longer than {STAT_LIMIT} bytes")
            return self._stat.parse(data, self._stat_file.path)
        except GoneError:
            raise
        except AgentError as error:
            self.problem = visible(str(error))[:500]
            return None

    def _read_current(self) -> int | None:
        try:
            return single_value.parse_number(self._current_file.read(), self._current_file.path)
        except GoneError:
            raise
        except AgentError as error:
            self.problem = visible(str(error))[:500]
            return None

    def _count_kills(self) -> int | None:
        path = f"{self._place}/memory.events"
        try:
            data = files.read_record("memory.events", self.directory.fd, path, EVENTS_LIMIT)
            return flat_keyed.parse(data, path).get("oom_kill")
        except AgentError:
            return None

    def _require_present(self, cgroups: CgroupFs) -> None:
        """Raise GoneError unless this very cgroup still stands at its path.

        A file is missing in a removed cgroup and in one without the memory controller alike.
        """
        with cgroups.open(self.path) as now:
            if now.inode != self.inode:
                raise GoneError(self.path, "was removed, and made anew")


class FollowedRoot(Followed):
    """The root cgroup, which has no memory.current: its anon + file stands for that, as in cAdvisor."""

    def __init__(self, directory: CgroupDir, *, depth: int, stat: StatFields) -> None:
        super().__init__(
            directory, depth=depth, stat=stat, pod_uid="", container_id=None, is_pod=False, keep_open=True
        )

    def read(self, clocks: Clocks, _cgroups: CgroupFs) -> None:
        """Append a point; the root is never removed, and where it has no memory.stat there is none."""
        self.problem = ""
        try:
            numbers = self._read_stat()
        except GoneError as error:
            self.problem = visible(str(error))[:500]
            return
        if numbers is not None:
            anon, file = (numbers[STAT_FIELDS.index(name)] for name in ("anon", "file"))
            usage = None if anon is None or file is None else anon + file
            self.ring.append(clocks.wall(), [usage, *numbers])


def with_points(identity: CgroupHistory, rows: Sequence[Row]) -> CgroupHistory:
    """Return the cgroup with these points as columns."""
    columns = list(zip(*(numbers for _, numbers in rows), strict=True)) or [()] * (1 + len(STAT_FIELDS))
    current, inactive_file, *others = [list(column) for column in columns]
    return msgspec.structs.replace(
        identity,
        times=[time for time, _ in rows],
        current_bytes=current,
        inactive_file_bytes=inactive_file,
        stat={
            name: column
            for name, column in zip(STAT_FIELDS[1:], others, strict=True)
            if any(number is not None for number in column)
        },
    )
