from typing import Any

import pytest

from memcollect.testing import service_status


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"type": "ClusterIP", "clusterIP": "10.96.0.20", "clusterIPs": ["10.96.0.20"]}, "10.96.0.20"),
        ({"type": "ClusterIP", "clusterIP": "10.96.0.20"}, "10.96.0.20"),
        ({"type": "ClusterIP", "clusterIP": "None", "clusterIPs": ["None"]}, "None"),
        ({"type": "ExternalName", "externalName": "example.org"}, "<none>"),
    ],
)
def test_the_cluster_ip_is_an_address_or_none(spec: dict[str, Any], expected: str) -> None:
    assert service_status.cluster_ip({"spec": spec}) == expected


@pytest.mark.parametrize(
    ("spec", "ingress", "expected"),
    [
        ({"type": "NodePort"}, [], "<none>"),
        ({"type": "ClusterIP", "externalIPs": ["192.0.2.2", "192.0.2.1"]}, [], "192.0.2.2,192.0.2.1"),
        ({"type": "LoadBalancer"}, [], "<pending>"),
        ({"type": "LoadBalancer"}, [{"ip": "192.0.2.9"}, {"hostname": "a.example"}], "192.0.2.9,a.example"),
        (
            {"type": "LoadBalancer", "externalIPs": ["192.0.2.1"]},
            [{"ip": "192.0.2.9"}],
            "192.0.2.9,192.0.2.1",
        ),
        ({"type": "ExternalName", "externalName": "example.org"}, [], "example.org"),
    ],
)
def test_the_external_ip_is_where_it_can_be_reached(
    spec: dict[str, Any], ingress: list[dict[str, str]], expected: str
) -> None:
    service = {"spec": spec, "status": {"loadBalancer": {"ingress": ingress}}}
    assert service_status.external_ip(service) == expected


@pytest.mark.parametrize(
    ("ports", "expected"),
    [
        ([], "<none>"),
        ([{"port": 80, "protocol": "TCP"}], "80/TCP"),
        (
            [{"port": 80, "nodePort": 30080, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}],
            "80:30080/TCP,53/UDP",
        ),
    ],
)
def test_each_port_is_shown_with_its_node_port(ports: list[dict[str, Any]], expected: str) -> None:
    assert service_status.ports({"spec": {"ports": ports}}) == expected
