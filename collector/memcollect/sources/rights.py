"""The rights this program needs, and no others."""

from collections.abc import Iterable

from msgspec import Struct

from memcollect.kubernetes.objects import ServerVersion

CREATE_NEEDED_SINCE = 35
"""Kubernetes 1.35 asks `create` of streams over WebSocket too; before, `get` sufficed."""
AGENT_NAMESPACE = "memcollect"


class Right(Struct, frozen=True):
    """One verb on one resource, as RBAC and SelfSubjectAccessReview name them."""

    verb: str
    resource: str
    group: str = ""
    namespace: str | None = None
    """None: in every namespace, or of a resource that has none."""
    subresource: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.full_resource} {self.place}"

    @property
    def full_resource(self) -> str:
        """RESOURCE.GROUP/SUBRESOURCE, as `kubectl auth can-i` takes it."""
        grouped = f"{self.resource}.{self.group}" if self.group else self.resource
        return f"{grouped}/{self.subresource}" if self.subresource else grouped

    @property
    def place(self) -> str:
        """Where, in words."""
        if self.namespace is not None:
            return f"in namespace {self.namespace}"
        return "of the cluster" if self.resource in CLUSTER_SCOPED else "in all namespaces"

    @property
    def command(self) -> str:
        """The kubectl command that asks whether one has it."""
        where = f" -n {self.namespace}" if self.namespace is not None else ""
        everywhere = self.namespace is None and self.resource not in CLUSTER_SCOPED
        return f"kubectl auth can-i {self.verb} {self.full_resource}{where}{' -A' if everywhere else ''}"


CLUSTER_SCOPED = frozenset({"nodes", "runtimeclasses", "customresourcedefinitions"})


def needed_rights(namespaces: Iterable[str] | None, agent_namespace: str = AGENT_NAMESPACE) -> list[Right]:
    """Return every right a snapshot of `namespaces` (None: all) uses.

    Port-forward needs `create` from Kubernetes 1.35 on, and `get` before.
    """
    places: list[str | None] = [None] if namespaces is None else list(namespaces)
    rights = [Right(verb, "pods", namespace=place) for place in places for verb in ("get", "list")]
    rights += [Right(verb, "pods", "metrics.k8s.io", place) for place in places for verb in ("get", "list")]
    rights += [Right(verb, "nodes") for verb in ("get", "list")]
    rights += [Right(verb, "runtimeclasses", "node.k8s.io") for verb in ("get", "list")]
    rights += [Right("list", "pods", namespace=agent_namespace)]
    rights += [
        Right(verb, "pods", namespace=agent_namespace, subresource="portforward")
        for verb in ("get", "create")
    ]
    return list(dict.fromkeys(rights))


def asks_create(version: ServerVersion) -> bool:
    """Tell whether the server asks `create` of port-forwards and commands; True where it is not known."""
    minor = version.minor.rstrip("+")
    known = version.major == "1" and minor.isdecimal()
    return not known or int(minor) >= CREATE_NEEDED_SINCE


def in_words(rights: Iterable[Right]) -> list[str]:
    """Return the rights in words, the verbs on one resource together: "create and delete pods in …"."""
    verbs: dict[tuple[str, str], list[str]] = {}
    for right in rights:
        verbs.setdefault((right.full_resource, right.place), []).append(right.verb)
    return [f"{' and '.join(some)} {resource} {place}" for (resource, place), some in verbs.items()]


def node_rights() -> list[Right]:
    """Return what `memcollect node` uses beyond `needed_rights(None)`: the numbers of kubectl top node.

    nodes/proxy, through which a kubelet's own configuration could be read, is not among them: it lets its
    holder run commands in every pod of the node. For who has nodes/configz, see `kubelet_config`.
    """
    return [Right(verb, "nodes", "metrics.k8s.io") for verb in ("get", "list")]
