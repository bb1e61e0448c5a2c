"""What stands in the cluster beside a sandbox, as structs decoded from the API: only what is used."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

from msgspec import Struct, field

from memcollect.errors import ClusterError, DeniedError, MissingError
from memcollect.kubernetes.objects import Metadata, Resources
from memcollect.sources.api import Api
from memcollect.sources.pages import Listing, items
from memcollect.sources.plain import plain
from memcollect.sources.rights import Right

T = TypeVar("T")
Item = TypeVar("Item", bound=Struct)
TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 # a path, not a token
SANDBOX_SYSTEMS = re.compile(
    r"sandbox|opensandbox|cube|e2b|firecracker|kata|gvisor|runsc|boxlite|provisioner", re.ASCII
)
"""In names of controllers and groups of custom resources: of the systems that this project knows."""


class _Object(Struct, frozen=True, kw_only=True, rename="camel"):
    """A JSON object of the API."""


class SecurityContext(_Object, frozen=True):
    """Of a container."""

    privileged: bool = False


class Mount(_Object, frozen=True):
    """Of a volume in a container."""

    name: str = ""
    mount_path: str = ""
    read_only: bool = False


class Container(_Object, frozen=True):
    """Of a pod, as it was asked for."""

    name: str
    image: str = ""
    security_context: SecurityContext | None = None
    resources: Resources | None = None
    volume_mounts: list[Mount] = field(default_factory=list)


class HostPath(_Object, frozen=True):
    """A directory of the node."""

    path: str = ""


class Volume(_Object, frozen=True):
    """Of a pod."""

    name: str
    host_path: HostPath | None = None


class WholeSpec(_Object, frozen=True):
    """A pod's spec, as far as operations ask."""

    node_name: str = ""
    runtime_class_name: str = ""
    overhead: dict[str, str] = field(default_factory=dict)
    host_network: bool = False
    host_pid: bool = field(default=False, name="hostPID")
    host_ipc: bool = field(default=False, name="hostIPC")
    service_account_name: str = ""
    containers: list[Container] = field(default_factory=list)
    init_containers: list[Container] = field(default_factory=list)
    volumes: list[Volume] = field(default_factory=list)


class PodAddress(_Object, frozen=True):
    """A pod's status, as far as it tells where it is."""

    pod_ip: str = field(default="", name="podIP")


class WholePod(_Object, frozen=True):
    """A pod."""

    metadata: Metadata
    spec: WholeSpec = WholeSpec()
    status: PodAddress = PodAddress()


class ServiceSpec(_Object, frozen=True):
    """What a Service sends requests to."""

    type: str = "ClusterIP"
    selector: dict[str, str] | None = None


class Service(_Object, frozen=True):
    """A Service."""

    metadata: Metadata
    spec: ServiceSpec = ServiceSpec()


class Named(_Object, frozen=True):
    """Anything of which only the name is asked."""

    metadata: Metadata


class NodeImage(_Object, frozen=True):
    """An image that a node holds."""

    names: list[str] | None = None
    size_bytes: int = 0


class ImagesOfNode(_Object, frozen=True):
    """A node's status, as far as it tells of images."""

    images: list[NodeImage] | None = None


class NodeWithImages(_Object, frozen=True):
    """A node."""

    metadata: Metadata
    status: ImagesOfNode = ImagesOfNode()


def is_ending(metadata: Metadata) -> bool:
    """Return whether an object is on its way out."""
    return metadata.deletion_timestamp is not None


def services(api: Api, namespace: str) -> list[Service]:
    """Return the Services of a namespace. Raises a ClusterError."""
    return list(_all(api, f"/api/v1/namespaces/{namespace}/services", "services", Service, namespace))


def claims(api: Api, namespace: str) -> list[Named]:
    """Return the volume claims of a namespace. Raises a ClusterError."""
    path = f"/api/v1/namespaces/{namespace}/persistentvolumeclaims"
    return list(_all(api, path, "persistentvolumeclaims", Named, namespace))


def policies(api: Api, namespace: str) -> list[Named]:
    """Return the network policies of a namespace. Raises a ClusterError."""
    path = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies"
    return list(_all(api, path, "networkpolicies", Named, namespace, "networking.k8s.io"))


def custom_resources(api: Api) -> list[Named]:
    """Return the cluster's kinds of custom resources. Raises a ClusterError."""
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
    return list(_all(api, path, "customresourcedefinitions", Named, None, "apiextensions.k8s.io"))


def _all(  # noqa: PLR0913, PLR0917 # one for each thing that differs between lists
    api: Api, path: str, plural: str, kind: type[Item], namespace: str | None, group: str = ""
) -> Iterator[Item]:
    right = Right("list", plural, group, namespace=namespace)
    return items(api, Listing(path, right, kind), lambda _missing: None)


def known(name: str, ask: Callable[[], T], absent: dict[str, str]) -> T | None:
    """Return what is asked, or None with the reason in `absent` under `name`."""
    try:
        return ask()
    except MissingError:
        absent[name] = "the cluster's API has no such kind of object"
    except DeniedError as error:
        absent[name] = f"not allowed: {plain(error.sentence)}"
    except ClusterError as error:
        absent[name] = plain(str(error))
    return None
