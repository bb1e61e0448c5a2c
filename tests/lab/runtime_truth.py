"""What a scene made, and what was measured of it: the result document of the runtimes' lab."""

from msgspec import Struct, field

from memcollect_agent.wire import NodeSample


class Scene(Struct, frozen=True, kw_only=True):
    """What was made: the pod, if there is one, and sizes in bytes by construction."""

    pod: str | None = None
    uid: str | None = None
    containers: dict[str, str] = field(default_factory=dict)
    """Name -> id, as Kubernetes would tell."""
    sizes: dict[str, int] = field(default_factory=dict)


class Played(Struct, frozen=True, kw_only=True):
    """One scene with its sample, taken while it held still; `error` is a traceback instead."""

    name: str
    kernel: str
    scene: Scene = field(default_factory=Scene)
    sample: NodeSample | None = None
    error: str = ""
