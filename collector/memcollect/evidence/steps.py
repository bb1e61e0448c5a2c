"""What a check does: steps as data, so that the catalogue can be hashed. Pure.

Each step has a `label` by which demands speak of what came of it, and names the sandbox it is done in: "a"
is the row's own, "b" and "c" are made by `Take`. In texts and paths {ws}, {up}, {out}, {acp} and {skills} are
DeerFlow's directories, {dir} is a directory of this check alone below {ws}, {run} the run's name, {canary}
a word that nobody else has.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct, field

from memcollect.evidence.contents import Material
from memcollect.evidence.port import Pattern


class _Step(Struct, frozen=True, kw_only=True, tag_field="do", omit_defaults=True):
    label: str
    box: str = "a"


class Run(_Step, frozen=True, kw_only=True, tag="run"):
    """A line of shell."""

    command: str
    env: dict[str, str] = field(default_factory=dict)
    limit_seconds: float | None = None
    """What the backend is told; None: its default."""


class Together(_Step, frozen=True, kw_only=True, tag="together"):
    """Commands at the same time; each is seen under its own label, and all of them under this one."""

    runs: tuple[Run, ...]


class Write(_Step, frozen=True, kw_only=True, tag="write"):
    """Write or append text."""

    path: str
    text: str
    append: bool = False


class Read(_Step, frozen=True, kw_only=True, tag="read"):
    """Read text, or some of its lines."""

    path: str
    first: int | None = None
    last: int | None = None


class Put(_Step, frozen=True, kw_only=True, tag="put"):
    """Write bytes."""

    path: str
    material: Material


class Get(_Step, frozen=True, kw_only=True, tag="get"):
    """Read bytes."""

    path: str


class ListDir(_Step, frozen=True, kw_only=True, tag="list"):
    """List a directory."""

    path: str
    depth: int = 2


class Glob(_Step, frozen=True, kw_only=True, tag="glob"):
    """Find files by a pattern."""

    path: str
    pattern: str
    most: int = 200


class Grep(_Step, frozen=True, kw_only=True, tag="grep"):
    """Find lines."""

    path: str
    pattern: Pattern


class Take(_Step, frozen=True, kw_only=True, tag="take"):
    """Make a sandbox, or take a released or deleted one again.

    `thread` and `user` are words of the catalogue ("one", "two"); the run makes names of its own of them.
    """

    thread: str = ""
    """"": a thread of its own."""
    user: Literal["", "one", "two"] = ""


class Release(_Step, frozen=True, kw_only=True, tag="release"):
    """Give the sandbox back."""


class Destroy(_Step, frozen=True, kw_only=True, tag="destroy"):
    """Delete the sandbox and wait until it is gone."""


class Identity(_Step, frozen=True, kw_only=True, tag="identity"):
    """Ask which instance it is, as a pod's UID."""


class Upload(_Step, frozen=True, kw_only=True, tag="upload"):
    """Upload files to the sandbox's thread through the gateway."""

    names: tuple[str, ...]
    material: Material


class Uploads(_Step, frozen=True, kw_only=True, tag="uploads"):
    """Ask the gateway for the list of uploads."""


class Unload(_Step, frozen=True, kw_only=True, tag="unload"):
    """Delete an upload through the gateway."""

    name: str


class Artifact(_Step, frozen=True, kw_only=True, tag="artifact"):
    """Ask the gateway for an artifact of the sandbox's thread."""

    path: str
    range: str = ""


class Look(_Step, frozen=True, kw_only=True, tag="look"):
    """Ask the node's agent or the cluster's API about the sandbox."""

    about: Literal["processes", "memory", "left", "operations"]
    marker: str = ""
    until: Literal["", "gone", "settled"] = ""
    """Ask again, with patience, until nothing is left, or until nothing is on its way out; "": ask once."""


class Outlive(_Step, frozen=True, kw_only=True, tag="outlive"):
    """Let time pass: `seconds`, or what the plan says of the backend and `grace_seconds` more."""

    seconds: float = 0.0
    setting: Literal["", "idle"] = ""
    grace_seconds: float = 0.0


class Restart(_Step, frozen=True, kw_only=True, tag="restart"):
    """Restart what makes the sandboxes, by the command of the plan."""


class Declared(_Step, frozen=True, kw_only=True, tag="declared"):
    """What the plan's author says of the backend."""

    key: str


Step: TypeAlias = (
    Run
    | Together
    | Write
    | Read
    | Put
    | Get
    | ListDir
    | Glob
    | Grep
    | Take
    | Release
    | Destroy
    | Identity
    | Upload
    | Uploads
    | Unload
    | Artifact
    | Look
    | Outlive
    | Restart
    | Declared
)
