"""The CLUSTER-IP, EXTERNAL-IP and PORT(S) of a Service as kubectl users see them."""

from collections.abc import Mapping
from typing import Any

_NONE = "<none>"


def cluster_ip(service: Mapping[str, Any]) -> str:
    """Return the cell: an address, None (its own word) for a headless one, <none> for a mere name."""
    spec = service.get("spec") or {}
    return next(iter(spec.get("clusterIPs", ())), None) or spec.get("clusterIP") or _NONE


def external_ip(service: Mapping[str, Any]) -> str:
    """Return the cell; a load balancer that nobody has set up is <pending>."""
    spec = service.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName", ""))
    if spec.get("type") == "LoadBalancer":
        return ",".join((*_balancer(service), *spec.get("externalIPs", ()))) or "<pending>"
    return ",".join(spec.get("externalIPs", ())) or _NONE


def _balancer(service: Mapping[str, Any]) -> list[str]:
    ingress = ((service.get("status") or {}).get("loadBalancer") or {}).get("ingress", ())
    return sorted({found for each in ingress if (found := each.get("ip") or each.get("hostname"))})


def ports(service: Mapping[str, Any]) -> str:
    """Return the cell: PORT/PROTOCOL, or PORT:NODEPORT/PROTOCOL, of each."""
    found = (service.get("spec") or {}).get("ports", ())
    return ",".join(_port(port) for port in found) or _NONE


def _port(port: Mapping[str, Any]) -> str:
    through = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port['port']}{through}/{port.get('protocol', 'TCP')}"
