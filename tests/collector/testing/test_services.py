from typing import Any

import pytest

from memcollect.testing import SERVICES, Cluster, objects, services
from memcollect.testing.failures import ApiError
from memcollect.testing.services import InUse


def admitted(spec: dict[str, Any], used: InUse | None = None) -> dict[str, Any]:
    document = {"metadata": {"name": "web"}, "spec": spec}
    services.admit(document, used or InUse())
    return document["spec"]


def test_what_is_left_out_is_what_an_api_server_says() -> None:
    assert admitted({"ports": [{"port": 80}]}) == {
        "type": "ClusterIP",
        "sessionAffinity": "None",
        "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"],
        "ipFamilyPolicy": "SingleStack",
        "clusterIP": "10.96.0.11",
        "clusterIPs": ["10.96.0.11"],
        "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
    }


def test_what_is_said_stays() -> None:
    port = {"port": 53, "targetPort": "dns", "protocol": "UDP", "nodePort": 31053}
    spec = admitted({"type": "NodePort", "externalTrafficPolicy": "Local", "ports": [dict(port)]})
    assert spec["ports"] == [port]
    assert spec["externalTrafficPolicy"] == "Local"


def test_a_headless_service_has_no_address_and_takes_none_away() -> None:
    used = InUse()
    for _ in range(2):
        assert admitted({"clusterIP": "None"}, used)["clusterIPs"] == ["None"]


def test_a_mere_name_has_neither_address_nor_ports() -> None:
    spec = admitted({"type": "ExternalName", "externalName": "example.org"})
    assert set(spec) == {"type", "externalName", "sessionAffinity"}


@pytest.mark.parametrize(("wants", "ports"), [(True, [30000]), (False, [None])])
def test_a_load_balancer_has_node_ports_unless_it_says_no(*, wants: bool, ports: list[int | None]) -> None:
    spec = admitted({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": wants, "ports": [{"port": 80}]})
    assert [port.get("nodePort") for port in spec["ports"]] == ports


def test_a_port_asked_for_by_number_is_not_given_to_one_before_it() -> None:
    spec = admitted({"type": "NodePort", "ports": [{"port": 1}, {"port": 2, "nodePort": 30000}]})
    assert [port["nodePort"] for port in spec["ports"]] == [30001, 30000]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30007}]},
            (
                'Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 30007: '
                "provided port is already allocated"
            ),
        ),
        (
            {"type": "NodePort", "ports": [{"port": 80, "nodePort": 80}]},
            (
                'Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not '
                "in the valid range. The range of valid ports is 30000-32767"
            ),
        ),
        (
            {"clusterIP": "10.96.0.20"},
            (
                'Service "web" is invalid: spec.clusterIPs: Invalid value: ["10.96.0.20"]: '
                "failed to allocate IP 10.96.0.20: provided IP is already allocated"
            ),
        ),
    ],
)
def test_what_another_has_or_nobody_may_have_is_refused(spec: dict[str, Any], message: str) -> None:
    with pytest.raises(ApiError) as caught:
        admitted(spec, InUse({"10.96.0.20"}, {30007}))
    assert (caught.value.code, str(caught.value)) == (422, message)


def test_when_all_node_ports_are_given_there_is_none() -> None:
    with pytest.raises(ApiError, match="failed to allocate a nodePort: range is full") as caught:
        admitted({"type": "NodePort", "ports": [{"port": 80}]}, InUse(set(), set(services.NODE_PORTS)))
    assert caught.value.code == 500


def test_what_is_in_use_is_what_the_services_of_all_namespaces_have() -> None:
    cluster = Cluster()
    cluster.put(SERVICES, objects.service("team", "a", cluster_ip="10.96.0.11", node_port=30000))
    cluster.put(SERVICES, objects.service("team-b", "b", cluster_ip="10.96.0.12"))
    made = cluster.create(
        SERVICES, "team", {"metadata": {"name": "c"}, "spec": {"type": "NodePort", "ports": [{"port": 80}]}}
    ).decoded()
    assert (made["spec"]["clusterIP"], made["spec"]["ports"][0]["nodePort"]) == ("10.96.0.13", 30001)
