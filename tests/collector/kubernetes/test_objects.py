from pathlib import Path

import msgspec
import pytest

from memcollect.kubernetes.objects import (
    Condition,
    ContainerStatus,
    Metadata,
    Node,
    Page,
    Pod,
    PodMetrics,
    PodStatus,
    Status,
)

RECORDED = Path(__file__).parents[2] / "fixtures" / "kubernetes-1.36"


def pods() -> dict[str, Pod]:
    page = msgspec.json.decode((RECORDED / "pods.json").read_bytes(), type=Page[Pod])
    return {pod.metadata.name: pod for pod in page.items or []}


def a_pod(**metadata: object) -> Pod:
    document = {"metadata": {"name": "p", "uid": "the-uid", **metadata}}
    return msgspec.json.decode(msgspec.json.encode(document), type=Pod)


def test_a_recorded_pod_keeps_what_the_join_needs() -> None:
    pod = pods()["sandbox-a"]
    status = pod.status.container_statuses[0]

    assert pod.qualified_name == "deer-flow/sandbox-a"
    assert pod.metadata.uid == "b361119b-f663-4d3c-a6b4-4f72a32a506f"
    assert pod.metadata.labels == {"app": "deer-flow-sandbox", "sandbox-id": "a"}
    assert pod.spec.node_name == "uml-node-1"
    assert (pod.status.phase, pod.status.qos_class) == ("Running", "Guaranteed")
    assert pod.spec.containers[0].resources.limits == {"cpu": "200m", "memory": "256Mi"}
    assert status.runtime_id == "9daf641a0d16426093602e710d5d17d2bc8059f1793a2763d80c90fba681f6a1"
    assert status.restart_count == 1
    assert status.state.running is not None
    assert status.last_state.terminated is not None
    assert status.last_state.terminated.exit_code == 255
    assert pod.is_ready


def test_every_recorded_pod_is_decoded() -> None:
    assert sorted(pods()) == ["probe-pf5nk", "sandbox-a", "sandbox-b", "sandbox-c"]
    assert pods()["probe-pf5nk"].metadata.owner_references[0].kind == "DaemonSet"
    assert [c.name for c in pods()["sandbox-b"].spec.containers] == ["main", "sidecar"]


def test_a_recorded_node_says_its_system_and_memory() -> None:
    page = msgspec.json.decode((RECORDED / "nodes.json").read_bytes(), type=Page[Node])
    node = (page.items or [])[0]
    assert node.status.node_info.operating_system == "linux"
    assert node.status.capacity["memory"] == "6168220Ki"
    assert node.is_ready


def test_the_cgroup_of_a_static_pod_is_named_by_its_config_hash() -> None:
    mirror = a_pod(annotations={"kubernetes.io/config.hash": "abc", "kubernetes.io/config.mirror": "abc"})
    from_file = a_pod(annotations={"kubernetes.io/config.hash": "abc", "kubernetes.io/config.source": "file"})
    assert mirror.cgroup_uid == from_file.cgroup_uid == "abc"


def test_the_cgroup_of_any_other_pod_is_named_by_its_uid() -> None:
    from_api = a_pod(annotations={"kubernetes.io/config.hash": "abc", "kubernetes.io/config.source": "api"})
    assert from_api.cgroup_uid == a_pod().cgroup_uid == "the-uid"


@pytest.mark.parametrize(
    ("phase", "condition", "deleted"),
    [("Running", "False", None), ("Pending", "True", None), ("Running", "True", "2026-01-01T00:00:00Z")],
)
def test_a_pod_that_is_not_up_is_not_ready(phase: str, condition: str, deleted: str | None) -> None:
    ready = Condition(type="Ready", status=condition)
    pod = Pod(
        metadata=Metadata(name="p", deletion_timestamp=deleted),
        status=PodStatus(phase=phase, conditions=[ready]),
    )
    assert not pod.is_ready


def test_a_container_that_was_not_made_yet_has_no_id() -> None:
    assert ContainerStatus(name="c").runtime_id is None


def test_a_list_that_go_wrote_as_null_is_empty() -> None:
    page = msgspec.json.decode(b'{"items":null,"metadata":{}}', type=Page[PodMetrics])
    assert page.items is None


def test_a_page_says_where_the_next_begins() -> None:
    page = msgspec.json.decode((RECORDED / "pods-limit-2-with-continue.json").read_bytes(), type=Page[Pod])
    assert len(page.items or []) == 2
    assert page.metadata.continue_.startswith("eyJ2Ijoi")


def test_a_recorded_refusal_keeps_its_message() -> None:
    status = msgspec.json.decode((RECORDED / "403.json").read_bytes(), type=Status)
    assert (status.code, status.reason) == (403, "Forbidden")
    assert "cannot list resource" in status.message
