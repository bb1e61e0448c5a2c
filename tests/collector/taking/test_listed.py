"""Pods that wait for their node's turn: small meanwhile, and the same afterwards."""

import tracemalloc
from collections.abc import Iterable
from pathlib import Path

import msgspec
import pytest

from memcollect.join import running_ids
from memcollect.kubernetes import objects as kube
from memcollect.taking import listed
from memcollect.taking.listed import Listed, Packed, by_node, lean

PODS = Path(__file__).parents[2] / "fixtures/kubernetes-1.36/pods.json"
NODES = 20
PODS_EACH = 30


def real_pods() -> list[kube.Pod]:
    return msgspec.json.decode(PODS.read_bytes(), type=kube.Page[kube.Pod]).items or []


def named(number: int) -> kube.Pod:
    """Return a real pod under a name, a UID and a node of its own, with strings that no other shares."""
    body = msgspec.json.encode(real_pods()[number % 3])
    pod = msgspec.json.decode(body, type=kube.Pod)
    metadata = msgspec.structs.replace(pod.metadata, name=f"pod-{number}", uid=f"uid-{number}")
    spec = msgspec.structs.replace(pod.spec, node_name=f"node-{number % NODES}")
    return msgspec.structs.replace(pod, metadata=metadata, spec=spec)


def listed_of(pods: Iterable[kube.Pod]) -> Listed:
    listed = Listed()
    for pod in pods:
        listed.add(pod)
    return listed


@pytest.mark.parametrize("most_loose_bytes", [0, 10_000, listed.MOST_LOOSE_BYTES])
def test_each_node_has_its_pods_in_their_order_however_often_they_were_packed(
    most_loose_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed, "MOST_LOOSE_BYTES", most_loose_bytes)
    given = [named(number) for number in range(NODES * 3)]
    nodes = by_node(given)
    for name, pods in nodes.items():
        wanted = [lean(pod) for pod in given if pod.spec.node_name == name]
        assert pods.pods.unpacked() == wanted
        assert len(wanted) == 3
        assert pods.names == [(pod.metadata.namespace, pod.metadata.name) for pod in wanted]
        assert pods.uids == [pod.cgroup_uid for pod in wanted]
        assert pods.container_ids == [id_ for pod in wanted for id_ in running_ids(pod)]
    assert len(nodes) == NODES


def test_a_number_that_no_kubelet_writes_is_kept() -> None:
    odd = msgspec.json.decode(b'{"name": "a", "restartCount": 1%s}' % (b"0" * 30), type=kube.ContainerStatus)
    pod = kube.Pod(
        metadata=kube.Metadata(name="p"), status=kube.PodStatus(phase="Running", container_statuses=[odd])
    )
    assert Packed.of([pod]).unpacked() == [pod]


def test_a_pod_on_no_node_keeps_the_conditions_that_say_why() -> None:
    why = kube.Condition(type="PodScheduled", status="False", reason="Unschedulable")
    waiting = kube.Pod(metadata=kube.Metadata(name="p"), status=kube.PodStatus(conditions=[why]))
    (nodes,) = by_node([waiting]).items()
    assert nodes[0] is None
    assert nodes[1].pods.unpacked()[0].status.conditions == [why]


@pytest.mark.parametrize(
    ("phases", "may_have_cgroup"),
    [(["Succeeded", "Failed"], False), (["Succeeded", "Running"], True), (["Pending"], True), ([], False)],
)
def test_a_node_is_asked_where_one_of_its_pods_has_not_ended(
    phases: list[str],
    may_have_cgroup: bool,  # noqa: FBT001
) -> None:
    pods = [kube.Pod(metadata=kube.Metadata(name=each), status=kube.PodStatus(phase=each)) for each in phases]
    assert listed_of(pods).may_have_cgroup is may_have_cgroup


@pytest.mark.parametrize("runtime_class", [None, "gvisor"])
def test_a_runtime_class_is_noticed(runtime_class: str | None) -> None:
    one = kube.Pod(metadata=kube.Metadata(name="p"), spec=kube.PodSpec(runtime_class_name=runtime_class))
    plain = kube.Pod(metadata=kube.Metadata(name="q"))
    assert listed_of([one, plain]).names_a_class is (runtime_class is not None)


def test_what_waits_takes_a_quarter_of_what_the_pods_take_as_objects() -> None:
    tracemalloc.start()
    try:
        objects = [lean(named(number)) for number in range(NODES * PODS_EACH)]
        as_objects = tracemalloc.get_traced_memory()[0]
        nodes = by_node(objects)
        del objects
        waiting = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert sum(len(each.uids) for each in nodes.values()) == NODES * PODS_EACH
    assert waiting < as_objects / 4
