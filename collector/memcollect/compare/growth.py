"""The numbers of a growth. Sizes are bytes, changes are later − earlier; `None` means "not known". Pure."""

from typing import Literal

from msgspec import Struct, field

MatchedBy = Literal["uid", "name", "owner"]
"""uid: the same pod; name: another pod of the same name; owner: the only pod of the same owner on each
side."""


class TermChange(Struct, frozen=True, kw_only=True):
    """One term of a pod's working set at both moments, or its residual."""

    term: str
    before_bytes: int | None = None
    after_bytes: int | None = None
    change_bytes: int | None = None
    reason: str = ""
    """Why there is no change."""


class ProcessChange(Struct, frozen=True, kw_only=True):
    """The processes of one name in one container at both moments."""

    container: str
    name: str
    """The command's name (comm), which the process chose itself."""
    count_before: int
    count_after: int
    change_bytes: int | None = None
    """Of their PSS, summed up; None where one of them has none."""


FileMeasure = Literal["charged", "resident", "mapped"]
"""charged: to this pod; resident: in memory, whoever pays; mapped: what one process maps of it, at least."""


class FileChange(Struct, frozen=True, kw_only=True):
    """What one file holds of page cache or tmpfs at both moments."""

    path: str
    """As the pod's processes name it, which chose it."""
    place: str
    """As FileUse.place of the wire: "image", "writable", "volume", "tmpfs", …"""
    measure: FileMeasure = "resident"
    """What the numbers are: the best that both moments know."""
    before_low_bytes: int | None = None
    """At the earlier moment, at least …"""
    before_high_bytes: int | None = None
    """… and at most: the two differ where a list was cut or the kernel tells no exact number."""
    after_low_bytes: int | None = None
    """At the later moment, at least …"""
    after_high_bytes: int | None = None
    """… and at most."""
    change_low_bytes: int | None = None
    """Later − earlier, at least …"""
    change_high_bytes: int | None = None
    """… and at most."""
    reason: str = ""
    """Why there is no change."""


class MappingChange(Struct, frozen=True, kw_only=True):
    """What one kind of mappings of one program's processes holds of private memory at both moments."""

    container: str
    program: str
    """The file that the processes run, as the kernel knows it."""
    kind: str
    """As MappedPart.kind of the wire: "heap", "large", "file", "arena", "v8", …"""
    name: str = ""
    """Of a file its path, of a named mapping its name."""
    is_by_shape: bool = False
    """Whether only their shape says what these mappings are."""
    mappings_before: int
    """How many mappings they were at the earlier moment …"""
    mappings_after: int
    """… and at the later one."""
    before_bytes: int
    after_bytes: int
    change_bytes: int


class ServicesOff(Struct, frozen=True, kw_only=True):
    """Services of one container that ran at the earlier moment and no longer do: prediction and fact."""

    container: str
    services: list[str]
    """Their names, the largest first."""
    predicted_low_bytes: int | None = None
    """What the container was to lose, by the earlier moment alone, at least …"""
    predicted_high_bytes: int | None = None
    """… and at most; None where not all of its processes were listed."""
    fell_bytes: int | None = None
    """By how much its charge (memory.current) fell, whatever else changed in it meanwhile."""


class PodChange(Struct, frozen=True, kw_only=True):
    """What one pod's memory did in between."""

    pod: str
    """NAMESPACE/NAME at the later moment."""
    was: str = ""
    """What it is held against, where that has another name."""
    matched_by: MatchedBy
    node: str | None = None
    working_set_before_bytes: int | None = None
    working_set_after_bytes: int | None = None
    working_set_change_bytes: int | None = None
    charge_change_bytes: int | None = None
    """Of memory.current of the pod's own cgroup, which counts all page cache."""
    restarts: int = 0
    """How many more restarts its containers have had."""
    terms: list[TermChange] = field(default_factory=list)
    """The largest change first; with the residual's they sum to the working set's."""
    processes: list[ProcessChange] = field(default_factory=list)
    """The largest change first; only where both snapshots list processes."""
    processes_whole: bool = False
    """Whether both lists hold every process: else a change may be one of what was listed."""
    files: list[FileChange] = field(default_factory=list)
    """The largest change first; only where both snapshots looked for files."""
    mappings: list[MappingChange] = field(default_factory=list)
    """The largest change first; only where both snapshots read mappings."""
    mappings_whole: bool = False
    """Whether both read those of every process: else a change may be one of what was read."""
    services_off: list[ServicesOff] = field(default_factory=list)
    """Of containers whose later list of processes is whole."""
    reason: str = ""
    """Why the working set's change is not known."""

    @property
    def is_same_pod(self) -> bool:
        """Return whether it is one pod at two moments, and not its successor."""
        return self.matched_by == "uid"


class Growth(Struct, frozen=True, kw_only=True):
    """What two snapshots say of the time between them."""

    before: str
    """The earlier one's name, by the time in it …"""
    after: str
    """… and the later one's."""
    seconds: float
    given_reversed: bool = False
    """Whether the later one was named first."""
    pods: list[PodChange] = field(default_factory=list)
    """The largest change of the working set first, what is not known last."""
    rebooted: list[str] = field(default_factory=list)
    """Nodes that were started anew in between: all that was counted on them began at nought."""
    only_before: list[str] = field(default_factory=list)
    """Pods of the earlier one that the later one does not have …"""
    only_after: list[str] = field(default_factory=list)
    """… and the other way round."""
