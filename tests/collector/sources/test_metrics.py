import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from memcollect.documents.snapshot import Missing
from memcollect.errors import UnauthorizedError
from memcollect.kubernetes.usage import Usage
from memcollect.sources.api import Api
from memcollect.sources.metrics import pod_usage
from memcollect.sources.pods import Selection
from memcollect.testing import POD_METRICS, PODS, Cluster, Fault, objects

TIME = "2026-11-22T19:53:02Z"
LIST = "/apis/metrics.k8s.io/v1beta1/namespaces/team/pods"


@pytest.fixture
def pods(state: Cluster) -> None:
    for name, size in (("web", 1 << 20), ("db", 3 << 20)):
        state.put(PODS, objects.pod("team", name, labels={"app": name}))
        numbers = objects.pod_metrics("team", name, TIME, {"main": size})
        numbers["metadata"]["labels"] = {"app": name}
        state.put(POD_METRICS, numbers)


def test_recorded_numbers_come_in_bytes_and_nanocores(
    api: Api, state: Cluster, recorded: Path, told: list[Missing]
) -> None:
    state.fault(Fault("/apis/metrics.k8s.io/v1beta1/pods", body=(recorded / "podmetrics.json").read_bytes()))

    metrics = pod_usage(api, Selection(), told.append)

    pod = metrics.pods["deer-flow", "sandbox-a"]
    assert pod.timestamp == datetime(2026, 11, 22, 19, 53, 2, tzinfo=UTC).timestamp()
    assert pod.containers == [Usage(name="sandbox", memory_bytes=89508 << 10, cpu_nanocores=1166452)]
    assert [c.name for c in metrics.pods["deer-flow", "sandbox-b"].containers] == ["main", "sidecar"]
    assert metrics.gap("deer-flow") is None


@pytest.mark.usefixtures("pods")
def test_a_selector_is_passed_on(api: Api, told: list[Missing]) -> None:
    metrics = pod_usage(api, Selection(namespaces=["team"], selector="app=db"), told.append)
    assert {key: pod.containers[0].memory_bytes for key, pod in metrics.pods.items()} == {
        ("team", "db"): 3 << 20
    }


@pytest.mark.usefixtures("pods")
def test_a_pod_without_numbers_is_absent_and_no_gap(api: Api, told: list[Missing]) -> None:
    metrics = pod_usage(api, Selection(namespaces=["team"], names=["web", "young"]), told.append)
    assert list(metrics.pods) == [("team", "web")]
    assert metrics.gaps == []


@pytest.mark.parametrize("names", [None, ["web"]], ids=["list", "by name"])
def test_a_cluster_without_a_metrics_api_is_a_finding(
    api: Api, state: Cluster, told: list[Missing], names: list[str] | None
) -> None:
    state.metrics = False
    metrics = pod_usage(api, Selection(namespaces=["team"], names=names), told.append)
    gap = metrics.gap("team")
    assert metrics.pods == {}
    assert gap is not None
    assert gap.reason == "no-metrics-api"
    assert "install metrics-server" in gap.detail


def test_a_metrics_api_that_is_down_is_a_finding(api: Api, state: Cluster, told: list[Missing]) -> None:
    state.fault(Fault(LIST, status=503, times=None))
    gap = pod_usage(api, Selection(namespaces=["team"]), told.append).gap("team")
    assert gap is not None
    assert gap.reason == "metrics-unavailable"
    assert "kubectl get apiservice" in gap.detail


@pytest.mark.usefixtures("pods")
def test_a_namespace_whose_metrics_are_denied_leaves_the_others(
    api: Api, state: Cluster, told: list[Missing]
) -> None:
    state.access.deny("list", "pods", group="metrics.k8s.io", namespace="secret")
    metrics = pod_usage(api, Selection(namespaces=["secret", "team"]), told.append)
    assert len(metrics.pods) == 2
    assert [(gap.name, gap.reason) for gap in metrics.gaps] == [("secret", "denied")]
    assert metrics.gap("team") is None


def test_what_was_not_asked_of_all_namespaces_is_a_gap_of_each(
    api: Api, state: Cluster, told: list[Missing]
) -> None:
    state.metrics = False
    assert pod_usage(api, Selection(), told.append).gap("any") is not None


def test_a_number_that_is_none_is_unknown_and_not_zero(api: Api, state: Cluster, told: list[Missing]) -> None:
    body = (
        b'{"items":[{"metadata":{"name":"p","namespace":"team"},"timestamp":"2026-01-01T00:00:00Z","window":null,'
        b'"containers":[{"name":"a","usage":{"memory":"lots"}},{"name":"b"}]},'
        b'{"metadata":{"name":"q","namespace":"team"},"timestamp":"2026-01-01T00:00:00Z",'
        b'"containers":null}]}'
    )
    state.fault(Fault(LIST, body=body))
    pods = pod_usage(api, Selection(namespaces=["team"]), told.append).pods
    assert pods["team", "p"].containers == [Usage(name="a"), Usage(name="b")]
    assert pods["team", "q"].containers == []


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ("2026-01-01T00:00:00Z", 1767225600.0),
        ("2026-01-01T00:00:00.500000000Z", 1767225600.5),
        ("2026-01-01T01:00:00+01:00", 1767225600.0),
        ("0001-01-01T00:00:00Z", None),
        ("2026-13-45T99:00:00Z", None),
        ("2026-01-01T00:00:00", None),
        ("soon", None),
        ("", None),
        (1767225600, None),
        (None, None),
        ({}, None),
    ],
)
def test_what_is_no_time_leaves_the_number_without_one(
    api: Api, state: Cluster, told: list[Missing], given: object, seconds: float | None
) -> None:
    containers = [{"name": "a", "usage": {"memory": "5Mi"}}]
    item = {"metadata": {"name": "p", "namespace": "team"}, "timestamp": given, "containers": containers}
    state.fault(Fault(LIST, body=json.dumps({"items": [item]}).encode()))

    found = pod_usage(api, Selection(namespaces=["team"]), told.append).pods["team", "p"]

    assert (found.timestamp, found.containers[0].memory_bytes, told) == (seconds, 5 << 20, [])


def test_credentials_that_are_not_accepted_are_an_error(
    api: Api, state: Cluster, told: list[Missing]
) -> None:
    state.fault(Fault(LIST, status=401))
    with pytest.raises(UnauthorizedError):
        pod_usage(api, Selection(namespaces=["team"]), told.append)
