"""What the overlay opens beyond the base: one port, to one namespace, and not one right more."""

import copy
from typing import Any

import pytest

from memcollect_agent.program import _parser
from worlds import manifests
from worlds.metrics_stage import REPOSITORY

OVERLAY = "overlays/prometheus"
OPERATORS = ("PodMonitor", "PrometheusRule")


def arguments_with(arguments: list[str], address: str) -> list[str]:
    return [each.replace("$(MEMCOLLECT_POD_IP)", address) for each in arguments]


def metrics_policy(documents: list[manifests.Document]) -> Any:
    base = {
        each["metadata"]["name"] for each in manifests.of_kind(manifests.rendered("base"), "NetworkPolicy")
    }
    (added,) = [
        each for each in manifests.of_kind(documents, "NetworkPolicy") if each["metadata"]["name"] not in base
    ]
    return added


def test_the_daemon_set_is_the_bases_with_one_argument_and_one_port() -> None:
    base = manifests.daemon_set(manifests.rendered("base"))
    overlay = copy.deepcopy(manifests.daemon_set(manifests.rendered(OVERLAY)))
    (container,) = overlay["spec"]["template"]["spec"]["containers"]
    assert container["args"].pop() == "--metrics-listen=$(MEMCOLLECT_POD_IP):7072"
    assert container["ports"].pop() == {"name": "metrics", "containerPort": 7072, "protocol": "TCP"}
    assert overlay == base


def test_the_overlay_for_large_fleets_is_the_same_with_one_argument_more() -> None:
    whole, core = manifests.rendered(OVERLAY), manifests.rendered(f"{OVERLAY}-core")
    assert manifests.agent(core)["args"].pop() == "--metrics-series=core"
    assert core == whole


def test_nothing_of_the_base_is_changed_or_left_out() -> None:
    overlay = manifests.rendered(OVERLAY)
    kept = [each for each in manifests.rendered("base") if each["kind"] != "DaemonSet"]
    assert [each for each in kept if each not in overlay] == []
    added = [each["kind"] for each in overlay if each not in kept and each["kind"] != "DaemonSet"]
    assert sorted(added) == ["NetworkPolicy", *OPERATORS]


@pytest.mark.parametrize(("overlay", "series"), [(OVERLAY, "all"), (f"{OVERLAY}-core", "core")])
def test_the_agent_takes_the_arguments(overlay: str, series: str) -> None:
    arguments = manifests.agent(manifests.rendered(overlay))["args"]
    assert _parser().parse_args(arguments_with(arguments, "10.1.2.3")).metrics_series == series
    for address in ("10.1.2.3", "fd00::1:7"):
        listen = _parser().parse_args(arguments_with(arguments, address)).metrics_listen
        assert (listen.host, listen.port, listen.is_loopback) == (address, 7072, False)


def test_only_the_namespace_of_the_monitoring_reaches_only_this_port() -> None:
    documents = manifests.rendered(OVERLAY)
    spec = metrics_policy(documents)["spec"]
    labels = manifests.daemon_set(documents)["spec"]["selector"]["matchLabels"]
    assert spec["podSelector"]["matchLabels"] == labels
    assert spec["policyTypes"] == ["Ingress"]
    (rule,) = spec["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 7072}]
    namespaces = {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    assert rule["from"] == [{"namespaceSelector": namespaces}]


def test_the_monitor_finds_the_pods_and_their_port() -> None:
    documents = manifests.rendered(OVERLAY)
    (monitor,) = manifests.of_kind(documents, "PodMonitor")
    template = manifests.daemon_set(documents)["spec"]["template"]
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["metadata"]["namespace"] == manifests.daemon_set(documents)["metadata"]["namespace"]
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    assert wanted <= template["metadata"]["labels"].items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] in {each["name"] for each in manifests.agent(documents)["ports"]}
    assert endpoint["path"] == "/metrics"


def test_series_about_pods_do_not_bear_the_agents_own_pod() -> None:
    (monitor,) = manifests.of_kind(manifests.rendered(OVERLAY), "PodMonitor")
    relabelings = monitor["spec"]["podMetricsEndpoints"][0]["relabelings"]
    dropped = {
        word for each in relabelings if each["action"] == "labeldrop" for word in each["regex"].split("|")
    }
    assert {"namespace", "pod", "container"} <= dropped
    assert "node" in {each.get("targetLabel") for each in relabelings}


def test_the_document_names_what_to_apply() -> None:
    text = (REPOSITORY / "docs/metrics.md").read_text()
    for path in ("deploy/overlays/prometheus", "deploy/prometheus/rules.yaml", "deploy/dashboards/pods.json"):
        assert path in text
        assert (REPOSITORY / path).exists()
