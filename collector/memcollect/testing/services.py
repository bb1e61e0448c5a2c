"""What an API server gives a new Service: its defaults, a cluster IP, and node ports.

They are those of a cluster of IPv4 alone, with the service network of kubeadm and the usual node ports. The
lowest that is free is given, where a real API server draws one by lot: what tests see is the same each time.
"""

import dataclasses
import ipaddress
from collections.abc import Iterable
from typing import Any

from memcollect.testing import failures
from memcollect.testing.resources import SERVICES
from memcollect.testing.store import Stored

NODE_PORTS = range(30000, 32768)
NETWORK = ipaddress.IPv4Network("10.96.0.0/12")
_RESERVED_ADDRESSES = 10
"""The first of the network are for the API server and the DNS."""
_WITH_NODE_PORTS = ("NodePort", "LoadBalancer")
_HEADLESS = "None"


@dataclasses.dataclass(frozen=True, slots=True)
class InUse:
    """The addresses and node ports of all Services there are; both grow with what is given."""

    addresses: set[str] = dataclasses.field(default_factory=set)
    node_ports: set[int] = dataclasses.field(default_factory=set)


def in_use(services: Iterable[Stored]) -> InUse:
    """Return what these Services have."""
    found = InUse()
    for stored in services:
        spec = stored.decoded().get("spec") or {}
        found.addresses.add(spec.get("clusterIP", ""))
        found.node_ports.update(port.get("nodePort", 0) for port in spec.get("ports", ()))
    return found


def admit(document: dict[str, Any], used: InUse) -> None:
    """Fill in what an API server would. Raises ApiError: 422 for what another has, 500 for none left."""
    name = document["metadata"].get("name", "")
    spec = document["spec"] = document.get("spec") or {}
    kind = spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    for port in spec.get("ports", ()):
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    if kind != "ExternalName":
        _give_address(spec, name, used)
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    if kind in _WITH_NODE_PORTS:
        spec.setdefault("externalTrafficPolicy", "Cluster")
        if spec.get("allocateLoadBalancerNodePorts", True):
            _give_node_ports(spec, name, used)
    document["status"] = {"loadBalancer": {}}


def _give_address(spec: dict[str, Any], name: str, used: InUse) -> None:
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    wanted = spec.get("clusterIP") or _free_address(used)
    if wanted != _HEADLESS and wanted in used.addresses:
        why = f"failed to allocate IP {wanted}: provided IP is already allocated"
        raise failures.invalid(SERVICES, name, "spec.clusterIPs", [wanted], why)
    used.addresses.add(wanted)
    spec["clusterIP"], spec["clusterIPs"] = wanted, [wanted]


def _free_address(used: InUse) -> str:
    last = NETWORK.num_addresses - 1
    addresses = (str(NETWORK[index]) for index in range(_RESERVED_ADDRESSES + 1, last))
    free = next((address for address in addresses if address not in used.addresses), None)
    if free is None:
        raise failures.internal_error("failed to allocate a serviceIP: range is full")
    return free


def _give_node_ports(spec: dict[str, Any], name: str, used: InUse) -> None:
    """Give each port one; those that are asked for by number go before the others."""
    ports = spec.get("ports", ())
    for index, port in enumerate(ports):
        if wanted := port.get("nodePort"):
            _check_node_port(wanted, used, name, f"spec.ports[{index}].nodePort")
            used.node_ports.add(wanted)
    for port in ports:
        if not port.get("nodePort"):
            port["nodePort"] = _free_node_port(used)
            used.node_ports.add(port["nodePort"])


def _check_node_port(wanted: int, used: InUse, name: str, field: str) -> None:
    if wanted not in NODE_PORTS:
        valid = f"{NODE_PORTS.start}-{NODE_PORTS.stop - 1}"
        why = f"provided port is not in the valid range. The range of valid ports is {valid}"
        raise failures.invalid(SERVICES, name, field, wanted, why)
    if wanted in used.node_ports:
        raise failures.invalid(SERVICES, name, field, wanted, "provided port is already allocated")


def _free_node_port(used: InUse) -> int:
    free = next((port for port in NODE_PORTS if port not in used.node_ports), None)
    if free is None:
        raise failures.internal_error("failed to allocate a nodePort: range is full")
    return free
