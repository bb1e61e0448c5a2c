"""What Kubernetes says, as far as it is used here: structs that are decoded straight from the API's JSON.

Only the fields that are used are named; everything else of an object is skipped by the decoder and
never stands in memory. Names and meanings are those of the Kubernetes API reference; a field that may
be absent is None, "" or empty exactly where the API leaves it out. Times are the API's own RFC 3339
text unless the name ends in `_at`, which is seconds since the Unix epoch. Pure: no I/O.
"""

from typing import Generic, TypeVar

from msgspec import Raw, Struct, field

RESIZE_CONDITIONS = frozenset({"PodResizePending", "PodResizeInProgress"})
"""Conditions that say how an in-place resize fares, since 1.33."""
MIRROR_SOURCES = frozenset({"file", "http"})
"""Values of the annotation kubernetes.io/config.source that mark a static pod (the API's is "api")."""


class _Object(Struct, frozen=True, kw_only=True, rename="camel", gc=False):
    """A JSON object of the API: camelCase there, snake_case here; unknown fields are skipped.

    `gc=False`: decoded JSON cannot hold a cycle, and tens of thousands of pods need no collector.
    """


class Annotations(_Object, frozen=True):
    """The annotations that decide something; the others (often kilobytes) are not kept."""

    config_hash: str | None = field(default=None, name="kubernetes.io/config.hash")
    """Of a static pod: what its cgroup is named by, in place of the UID."""
    config_source: str | None = field(default=None, name="kubernetes.io/config.source")
    config_mirror: str | None = field(default=None, name="kubernetes.io/config.mirror")
    """On the API's mirror of a static pod only; the value is the config hash."""


class Owner(_Object, frozen=True):
    """An entry of ownerReferences."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class Metadata(_Object, frozen=True):
    """ObjectMeta."""

    name: str
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    annotations: Annotations = field(default_factory=Annotations)
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    """Set: the object is being deleted, and this is when its grace ends."""
    deletion_grace_period_seconds: int | None = None
    finalizers: list[str] = field(default_factory=list)
    """What keeps the object in the API after that."""
    owner_references: list[Owner] = field(default_factory=list)


class Namespace(_Object, frozen=True):
    """A namespace, by its metadata alone."""

    metadata: Metadata


class Resources(_Object, frozen=True):
    """Requests and limits, as quantities in the API's text form ("256Mi")."""

    requests: dict[str, str] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)


class ContainerSpec(_Object, frozen=True):
    """A container of spec.containers, initContainers or ephemeralContainers."""

    name: str
    image: str = ""
    resources: Resources = field(default_factory=Resources)
    restart_policy: str | None = None
    """Of an init container: "Always" makes it a sidecar, which counts like an app container."""


class Waiting(_Object, frozen=True):
    """Not running yet, or between two tries."""

    reason: str | None = None
    message: str | None = None


class Running(_Object, frozen=True):
    """Running since."""

    started_at: str | None = None


class Terminated(_Object, frozen=True):
    """How a container ended."""

    exit_code: int = 0
    signal: int | None = None
    reason: str | None = None
    message: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    container_id: str | None = field(default=None, name="containerID")


class ContainerState(_Object, frozen=True):
    """One of the three, or none where the kubelet has not said yet."""

    waiting: Waiting | None = None
    running: Running | None = None
    terminated: Terminated | None = None


class ContainerStatus(_Object, frozen=True):
    """What the kubelet says of one container."""

    name: str
    image: str = ""
    image_id: str = field(default="", name="imageID")
    container_id: str = field(default="", name="containerID")
    """"RUNTIME://ID"; empty before the container was made."""
    ready: bool = False
    started: bool | None = None
    restart_count: int = 0
    state: ContainerState = field(default_factory=ContainerState)
    last_state: ContainerState = field(default_factory=ContainerState)
    resources: Resources | None = None
    """What is in force on the node, which an in-place resize may still be changing (1.33 and later)."""

    @property
    def runtime_id(self) -> str | None:
        """The id as a cgroup's name has it: without the runtime's prefix; None before there is one."""
        return self.container_id.rpartition("://")[2] or None


class PodSpec(_Object, frozen=True):
    """What was asked for."""

    node_name: str | None = None
    runtime_class_name: str | None = None
    priority: int | None = None
    """What its priority class came to; None where the API server has no such admission."""
    overhead: dict[str, str] = field(default_factory=dict)
    """What the runtime class adds for the sandbox itself, as quantities."""
    host_network: bool = False
    resources: Resources | None = None
    """Of the pod as a whole (1.34 and later)."""
    containers: list[ContainerSpec] = field(default_factory=list)
    init_containers: list[ContainerSpec] = field(default_factory=list)
    ephemeral_containers: list[ContainerSpec] = field(default_factory=list)


class Condition(_Object, frozen=True):
    """One entry of status.conditions; `status` is "True", "False" or "Unknown"."""

    type: str
    status: str
    reason: str | None = None
    message: str | None = None
    last_transition_time: str | None = None


class PodStatus(_Object, frozen=True):
    """What is, as far as the kubelet has reported it."""

    phase: str | None = None
    reason: str | None = None
    message: str | None = None
    qos_class: str | None = None
    start_time: str | None = None
    conditions: list[Condition] = field(default_factory=list)
    resize: str | None = None
    """How an in-place resize fares, up to 1.32 ("Deferred", "Infeasible", …); later the conditions say it."""
    container_statuses: list[ContainerStatus] = field(default_factory=list)
    init_container_statuses: list[ContainerStatus] = field(default_factory=list)
    ephemeral_container_statuses: list[ContainerStatus] = field(default_factory=list)


class Pod(_Object, frozen=True):
    """A pod."""

    metadata: Metadata
    spec: PodSpec = field(default_factory=PodSpec)
    status: PodStatus = field(default_factory=PodStatus)

    @property
    def cgroup_uid(self) -> str:
        """What this pod's cgroup is named by: the UID, or a static pod's config hash.

        The kubelet gives a static pod its config hash as UID; the API server gives its mirror another.
        """
        annotations = self.metadata.annotations
        if annotations.config_mirror or annotations.config_source in MIRROR_SOURCES:
            return annotations.config_hash or annotations.config_mirror or self.metadata.uid
        return self.metadata.uid

    @property
    def is_ready(self) -> bool:
        """Whether it runs, passes its readiness probe and is not on its way out."""
        return (
            self.status.phase == "Running"
            and self.metadata.deletion_timestamp is None
            and any(c.type == "Ready" and c.status == "True" for c in self.status.conditions)
        )

    @property
    def qualified_name(self) -> str:
        """NAMESPACE/NAME."""
        return f"{self.metadata.namespace}/{self.metadata.name}"


class NodeInfo(_Object, frozen=True):
    """status.nodeInfo."""

    os_image: str = ""
    operating_system: str = ""
    boot_id: str = field(default="", name="bootID")


class NodeAddress(_Object, frozen=True):
    """One of status.addresses; `type` is "InternalIP" or the like."""

    type: str = ""
    address: str = ""


class DaemonEndpoint(_Object, frozen=True):
    """Where a daemon listens; 0: not said."""

    port: int = field(default=0, name="Port")


class DaemonEndpoints(_Object, frozen=True):
    """status.daemonEndpoints."""

    kubelet_endpoint: DaemonEndpoint = field(default_factory=DaemonEndpoint)


class NodeStatus(_Object, frozen=True):
    """What the kubelet says of its machine."""

    addresses: list[NodeAddress] = field(default_factory=list)
    daemon_endpoints: DaemonEndpoints = field(default_factory=DaemonEndpoints)

    capacity: dict[str, str] = field(default_factory=dict)
    allocatable: dict[str, str] = field(default_factory=dict)
    conditions: list[Condition] = field(default_factory=list)
    node_info: NodeInfo = field(default_factory=NodeInfo)


class Taint(_Object, frozen=True):
    """What keeps pods off a node that do not tolerate it; `effect` is "NoSchedule" or the like."""

    key: str = ""
    effect: str = ""


class NodeSpec(_Object, frozen=True):
    """What was decided about a node."""

    unschedulable: bool = False
    """Cordoned."""
    taints: list[Taint] = field(default_factory=list)


class Node(_Object, frozen=True):
    """A node."""

    metadata: Metadata
    spec: NodeSpec = field(default_factory=NodeSpec)
    status: NodeStatus = field(default_factory=NodeStatus)

    @property
    def is_ready(self) -> bool:
        """Whether the kubelet reports, and reports itself healthy."""
        return any(c.type == "Ready" and c.status == "True" for c in self.status.conditions)


class Overhead(_Object, frozen=True):
    """overhead.podFixed of a runtime class, as quantities."""

    pod_fixed: dict[str, str] = field(default_factory=dict)


class RuntimeClass(_Object, frozen=True):
    """A runtime class: a name that pods use, and the handler the node's runtime knows."""

    metadata: Metadata
    handler: str
    overhead: Overhead = field(default_factory=Overhead)


class Usage(_Object, frozen=True):
    """A container's numbers in metrics.k8s.io, as quantities."""

    cpu: str | None = None
    memory: str | None = None


class ContainerUsage(_Object, frozen=True):
    """One container of a PodMetrics."""

    name: str
    usage: Usage = field(default_factory=Usage)


class PodMetrics(_Object, frozen=True):
    """One pod in metrics.k8s.io, as the API sends it; the numbers are in sources.metrics."""

    metadata: Metadata
    timestamp: object = None
    """The earliest of its containers' samples, in whole seconds: RFC 3339 from metrics-server. An adapter
    that knows no time sends null, year 1 or what it likes, and its numbers are kubectl top's all the same."""
    containers: list[ContainerUsage] | None = None


class NodeMetrics(_Object, frozen=True):
    """One node in metrics.k8s.io: what `kubectl top node` shows."""

    metadata: Metadata
    timestamp: object = None
    """Of the kubelet's sample, as in PodMetrics."""
    usage: Usage = field(default_factory=Usage)


class StatusDetails(_Object, frozen=True):
    """What a failure concerned."""

    name: str | None = None
    kind: str | None = None
    retry_after_seconds: int | None = None


class StatusMetadata(_Object, frozen=True):
    """ListMeta of a Status: with 410 it may carry a token to continue with."""

    continue_: str | None = field(default=None, name="continue")


class Status(_Object, frozen=True):
    """How the API server says no (`kind` is "Status"; anything else that answers has another)."""

    kind: str = ""
    message: str = ""
    reason: str = ""
    code: int | None = None
    details: StatusDetails | None = None
    metadata: StatusMetadata = field(default_factory=StatusMetadata)


class ListMetadata(_Object, frozen=True):
    """ListMeta; a `continue_` token says that there are more pages."""

    resource_version: str = ""
    continue_: str = field(default="", name="continue")


Item = TypeVar("Item")


class Page(Struct, Generic[Item], frozen=True):
    """One page of a list. `items` is None where Go wrote an empty list as null."""

    items: list[Item] | None = None
    metadata: ListMetadata = field(default_factory=ListMetadata)


class RawPage(Struct, frozen=True):
    """The same page with its items left undecoded: for finding the one that is malformed."""

    items: list[Raw] | None = None
    metadata: ListMetadata = field(default_factory=ListMetadata)


class ServerVersion(_Object, frozen=True):
    """What /version answers."""

    major: str = ""
    minor: str = ""
    git_version: str = ""


class AccessStatus(_Object, frozen=True):
    """The answer inside a SelfSubjectAccessReview."""

    allowed: bool
    denied: bool = False
    reason: str = ""
    evaluation_error: str = ""


class AccessReview(_Object, frozen=True):
    """An answered SelfSubjectAccessReview."""

    status: AccessStatus
