"""What the metrics API said, as the join needs it: bytes and seconds. Pure."""

from collections.abc import Sequence

from msgspec import Struct, field

from memcollect.documents.snapshot import Missing


class Usage(Struct, frozen=True, kw_only=True, gc=False):
    """One container's numbers; None where the API gave none or one that is no quantity."""

    name: str
    memory_bytes: int | None = None
    """The working set that its provider measured, rounded up to a byte."""
    cpu_nanocores: int | None = None


class PodUsage(Struct, frozen=True, kw_only=True, gc=False):
    """One pod's numbers."""

    namespace: str
    name: str
    timestamp: float | None = None
    """Of the earliest container's sample: seconds since the Unix epoch, whole, on the node's clock; None
    where the API gave none that is a time."""
    containers: Sequence[Usage] = field(default_factory=list)


class Metrics(Struct, frozen=True, kw_only=True, gc=False):
    """The metrics API's answer. `gaps` says for which namespaces it gave nothing, and why."""

    pods: dict[tuple[str, str], PodUsage] = field(default_factory=dict)
    """By (namespace, name)."""
    gaps: list[Missing] = field(default_factory=list)
    """kind "metrics", name a namespace or "*"; reason "no-metrics-api", "metrics-unavailable" or "denied"."""

    def gap(self, namespace: str) -> Missing | None:
        """Return why no pod of `namespace` has numbers; None where its pods were asked for."""
        return next((gap for gap in self.gaps if gap.name in ("*", namespace)), None)


class NodeUsage(Struct, frozen=True, kw_only=True, gc=False):
    """One node's number."""

    name: str
    timestamp: float | None = None
    """Of the kubelet's sample, as in PodUsage."""
    memory_bytes: int | None = None
    """The kubelet's working set of the root cgroup; None where it is no quantity."""
