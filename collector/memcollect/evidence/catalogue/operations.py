"""Operations: what a backend needs of a cluster; observed where it can be, declared where it cannot."""

from memcollect.evidence.checks import Check, Row
from memcollect.evidence.demands import Demand, Fact, Recorded
from memcollect.evidence.steps import Declared, Look

_API = "the cluster's API: the sandbox's pod and what stands beside it"


def _observed(name: str, asks: str, facts: tuple[str, ...]) -> Check:
    return Check(
        name=name,
        asks=asks,
        expected="written down",
        source=_API,
        level="cluster",
        needs=("cluster",),
        steps=(),
        demands=(Recorded(of="seen", facts=facts),),
    )


def _without(name: str, asks: str, fact: str, means: str) -> Check:
    demand: Demand = Fact(of="seen", name=fact, equals=False, otherwise="differs", means=means)
    return Check(
        name=name,
        asks=asks,
        expected="no",
        source=_API,
        level="cluster",
        needs=("cluster",),
        steps=(),
        demands=(demand,),
    )


def _declared(name: str, asks: str) -> Check:
    return Check(
        name=name,
        asks=asks,
        expected="declared in the plan: [evidence.declared]",
        source="the plan",
        level="provider",
        steps=(Declared(label="declared", key=name),),
        demands=(Recorded(of="declared"),),
    )


ROW = Row(
    name="Operations",
    evidence="Deployment prerequisites, privileged components, networking, storage, and upgrade path",
    first=(Look(label="seen", about="operations"),),
    checks=(
        _without(
            "privileged", "is a container of the sandbox privileged?", "privileged", "privileged containers"
        ),
        _without(
            "host-namespaces",
            "does it use the node's network, pids or IPC?",
            "host_namespaces",
            "shared with the node",
        ),
        _observed("host-paths", "directories of the node that it mounts", ("host_paths",)),
        _observed(
            "runtime-class",
            "its runtime class, and the overhead that is reserved for it",
            ("runtime_class", "overhead_memory"),
        ),
        _observed("limits", "requests and limits of memory", ("memory_requests", "memory_limits")),
        _observed("images", "its images, and their sizes as the node tells them", ("images",)),
        _observed(
            "service-account",
            "its service account, and whether the token is mounted",
            ("service_account", "token_mounted"),
        ),
        _observed(
            "resources", "kinds of custom resources of sandbox systems in the cluster", ("custom_resources",)
        ),
        _observed(
            "controllers",
            "controllers and DaemonSets of sandbox systems, with their memory",
            ("controllers",),
        ),
        _observed("services", "Services that lead to it", ("services",)),
        _observed("network-policies", "network policies of its namespace", ("network_policies",)),
        _declared("prerequisites", "what must be installed, and on which nodes"),
        _declared("networking", "how sandboxes are reached, and what they may reach"),
        _declared("storage", "where user data is kept"),
        _declared("upgrade", "how it is upgraded, and what becomes of running sandboxes"),
    ),
    seconds=300.0,
)
