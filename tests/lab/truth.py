"""What a workload knows by construction, and what was measured of it: the lab's result document."""

from msgspec import Struct, field

from memcollect_agent.wire import NodeSample


class Truth(Struct, frozen=True, kw_only=True):
    """One thing that the explanation must say of one scope."""

    cause: str
    """The finding's cause, or the ladder's or composition's term."""
    pod: str
    """The pod's name."""
    scope: str
    """A container's name, or "pod"."""
    size: int | None = None
    """Bytes by construction; None for a state that has no amount."""
    says: str = ""
    """Words that the finding's sentence must have."""


class Measured(Struct, frozen=True, kw_only=True, tag=True):
    """One workload: its truths and the sample taken while it held still."""

    workload: str
    kernel: str
    setting: str = ""
    """How the kernel was set, where it can be set in several ways."""
    truths: list[Truth]
    pods: dict[str, str]
    """Pod name -> uid."""
    containers: dict[str, str]
    """Container id -> name."""
    sample: NodeSample
    given_back: dict[str, int] = field(default_factory=dict)
    """Pod name -> bytes that the kernel took back after the sample, asked for all, with swap forbidden.

    Nothing where the kernel cannot be asked."""


class Recorded(Struct, frozen=True, kw_only=True):
    """What stands beside a recorded tree: as Measured, the sample being still to be taken from the tree."""

    kernel: str
    truths: list[Truth]
    pods: dict[str, str]
    containers: dict[str, str]


class Failed(Struct, frozen=True, kw_only=True, tag=True):
    """A workload that could not be run: the traceback."""

    workload: str
    kernel: str
    setting: str = ""
    error: str
