"""The port: the operations of a sandbox and of what makes sandboxes, as DeerFlow's contract has them. Pure.

A driver implements as much of it as its backend offers and raises NotOfferedError for the rest. Whatever
else goes wrong is an OperationError with a word for what it was; a backend makes a driver raise nothing
else. Paths are those of DeerFlow (/mnt/user-data/…); where a backend keeps them elsewhere, its driver has a
prefix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeAlias

from msgspec import Struct, field

from memcollect.evidence.exits import Exit

Level: TypeAlias = Literal["provider", "api", "shell", "gateway", "node", "cluster"]
"""Who answered: DeerFlow's provider, the sandbox's own API, a command in it that stands for an operation that
is not offered, DeerFlow's gateway, the node's agent, the cluster's API."""

ErrorKind: TypeAlias = Literal[
    "not-found",  # there is no such file, sandbox or upload
    "denied",  # it is there, and may not be touched
    "invalid",  # the request itself is refused: a bad pattern, a bad name
    "too-large",  # over a limit that the backend names
    "capacity",  # the backend has no room
    "timeout",  # no answer within the check's time
    "transport",  # the connection was refused, or broke
    "garbage",  # an answer that is not what its interface says: HTML, half of JSON
    "refused",  # an error of the backend's own, of no kind we know
]
BROKEN: frozenset[ErrorKind] = frozenset({"timeout", "transport", "garbage"})
"""No answer to what was asked, where "not-found" is one."""


class OperationError(Exception):
    """An operation that failed: what it was, and the backend's own words or ours for it."""

    def __init__(self, kind: ErrorKind, sentence: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.kind: ErrorKind = kind
        self.status = status


NO_DELETION = "DeerFlow's contract has no deletion: sandboxes end with the provider's shutdown"


class NotOfferedError(Exception):
    """The backend has no such operation."""


class Ran(Struct, frozen=True, kw_only=True):
    """What came back of a command."""

    exit: Exit
    stdout: bytes = b""
    stderr: bytes | None = None
    """None: the backend gives one text only, in `stdout`."""
    level: Level = "api"


class Listing(Struct, frozen=True, kw_only=True):
    """Paths as the backend wrote them, and whether it says that there are more."""

    paths: list[str] = field(default_factory=list)
    truncated: bool | None = None
    """None: it does not say."""
    level: Level = "api"


class Match(Struct, frozen=True, kw_only=True):
    """One line that a search found; `number` is from 1."""

    path: str
    number: int
    """Which line of the file it is."""
    line: str
    """Its text."""


class Matches(Struct, frozen=True, kw_only=True):
    """What a search found."""

    matches: list[Match] = field(default_factory=list)
    truncated: bool | None = None
    level: Level = "api"


class Content(Struct, frozen=True, kw_only=True):
    """A file's bytes, or a part of its text."""

    data: bytes = b""
    level: Level = "api"


class Box(Protocol):
    """A sandbox that somebody has taken. Every call ends within `seconds`, or soon after."""

    @property
    def name(self) -> str:
        """What the backend calls it."""

    @property
    def prefix(self) -> str:
        """What stands before DeerFlow's paths in it; "" where they are its own."""

    @property
    def temp(self) -> str:
        """Its directory for temporary files, "/tmp" nearly everywhere."""

    def run(self, command: str, env: Mapping[str, str], limit: float | None, seconds: float) -> Ran:
        """Run a line of shell. `limit` is the time that the *backend* is to give it; None: its default."""

    def read(self, path: str, first: int | None, last: int | None, seconds: float) -> Content:
        """Return a text file, or its lines from `first` to `last`, counted from 1, both included."""

    def write(self, path: str, text: str, *, append: bool, seconds: float) -> Level:
        """Write or append text, making directories as needed."""

    def put(self, path: str, data: bytes, seconds: float) -> Level:
        """Write bytes."""

    def get(self, path: str, seconds: float) -> Content:
        """Return a file's bytes."""

    def list(self, path: str, depth: int, seconds: float) -> Listing:
        """Return what is below a directory, so many levels deep."""

    def glob(self, path: str, pattern: str, most: int, seconds: float) -> Listing:
        """Return the files below a directory whose path from there fits a pattern; "**" is any depth."""

    def grep(self, path: str, pattern: Pattern, seconds: float) -> Matches:
        """Return the lines below a directory that fit."""

    def close(self) -> None:
        """Let go of connections; the sandbox itself stays."""


class Pattern(Struct, frozen=True, kw_only=True):
    """What a search looks for."""

    text: str
    literal: bool = False
    ignore_case: bool = False
    files: str = ""
    """A glob for the names of files; "": all."""
    most: int = 100


class Owner(Struct, frozen=True, kw_only=True):
    """For whom a sandbox is."""

    thread: str
    user: str = ""
    """"": nobody in particular; the backend's default."""


class Provider(Protocol):
    """What makes sandboxes for the run. Whatever it makes bears the run's id."""

    @property
    def knows_users(self) -> bool:
        """Whether a sandbox can be asked for in the name of a user."""

    @property
    def makes(self) -> bool:
        """Whether its sandboxes are the run's own; False: pods that are there, and somebody's."""

    @property
    def releases(self) -> bool:
        """Whether a sandbox can be given back without being deleted."""

    @property
    def deletes(self) -> bool:
        """Whether a sandbox can be deleted before the run ends."""

    def acquire(self, key: str, owner: Owner, seconds: float) -> Box:
        """Make a sandbox, or take the released one of that key. Raises OperationError."""

    def release(self, key: str, seconds: float) -> None:
        """Give it back."""

    def destroy(self, key: str, seconds: float) -> None:
        """Delete it and see it go; what is gone already is no fault."""

    def identity(self, key: str) -> str:
        """Return what tells one instance from another (a pod's UID); "" where nothing does."""


class HttpSeen(Struct, frozen=True, kw_only=True):
    """An answer of the gateway."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""


class Gateway(Protocol):
    """DeerFlow's gateway: what its users' browsers upload to and download from."""

    def begin_thread(self, thread: str, seconds: float) -> HttpSeen:
        """Make a thread; one that is there stays as it is."""

    def end_thread(self, thread: str, seconds: float) -> HttpSeen:
        """Delete a thread with its files."""

    def upload(self, thread: str, files: Sequence[tuple[str, bytes]], seconds: float) -> HttpSeen:
        """Upload files with those names."""

    def artifact(self, thread: str, path: str, headers: Mapping[str, str], seconds: float) -> HttpSeen:
        """Ask for an artifact by the path it has in the sandbox."""

    def uploads(self, thread: str, seconds: float) -> HttpSeen:
        """Ask for the list of uploads."""

    def remove_upload(self, thread: str, name: str, seconds: float) -> HttpSeen:
        """Delete an upload."""


class Facts(Struct, frozen=True, kw_only=True):
    """Things known about a node or a cluster, by name, and why others are not."""

    values: dict[str, bool | int | str | list[str]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    waited: dict[str, float] = field(default_factory=dict)
    """Of what was looked for until it was gone: the seconds after which it was, or that it was looked for."""
    level: Level = "node"


class Witness(Protocol):
    """Who sees a sandbox from outside: the node's agent and the cluster's API. Raises nothing."""

    def processes(self, key: str, marker: str, seconds: float) -> Facts:
        """Tell how many processes of the sandbox have `marker` on their command line: "marked"."""

    def memory(self, key: str, seconds: float) -> Facts:
        """Tell the sandbox's "limit_bytes" and "oom_kills" so far."""

    def left(self, keys: Sequence[str], seconds: float) -> Facts:
        """Tell what is there of sandboxes now: "pods", "services", "cgroups" …, and "pods_ending" of them."""

    def operations(self, key: str, seconds: float) -> Facts:
        """Tell what the sandbox and its backend need of the cluster: "privileged", "host_paths"."""

    def pod_address(self, key: str) -> str:
        """Return the address of the sandbox's pod; "" where it is not known."""
