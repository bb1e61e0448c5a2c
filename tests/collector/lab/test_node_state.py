"""Pods as the API server is told of them, read back with the collector's own structs."""

import json
from pathlib import Path
from typing import Any

import msgspec

from memcollect.kubernetes import objects as kube
from memcollect.lab.layout import ContainerSpec, PodSpec
from memcollect.lab.node_state import (
    ContainerRun,
    PodRun,
    daemon_set_object,
    node_object,
    pod_object,
    timestamp,
    write_list,
)

AT = 1_700_000_000.9
SPEC = PodSpec(
    name="sandbox",
    qos_class="Guaranteed",
    containers=[ContainerSpec(name="seed"), ContainerSpec(name="app", limits={"memory.max": 4 << 20})],
)


def run(spec: PodSpec = SPEC, **app: Any) -> kube.Pod:
    seed = ContainerRun(name="seed", is_init=True, started_at=AT, finished_at=AT + 1)
    runs = [seed, ContainerRun(name="app", **app)]
    pod = PodRun(spec=spec, labels={"app": "x"}, created_at=AT, containers=runs, node="n")
    return msgspec.convert(pod_object(pod), kube.Pod)


def test_times_are_cut_to_whole_seconds_as_the_api_has_them() -> None:
    assert timestamp(AT) == "2023-11-14T22:13:20Z"


def test_a_pod_that_runs_is_ready_and_its_containers_have_their_ids() -> None:
    pod = run(started_at=AT + 2)
    assert pod.is_ready
    assert (pod.status.phase, pod.spec.node_name, pod.metadata.uid) == ("Running", "n", SPEC.uid)
    (app,) = pod.status.container_statuses
    assert app.container_id == f"containerd://{SPEC.container_id('app')}"
    (seed,) = pod.status.init_container_statuses
    assert seed.state.terminated is not None


def test_a_pod_whose_container_is_made_yet_is_pending_and_not_ready() -> None:
    pod = run()
    assert (pod.status.phase, pod.is_ready) == ("Pending", False)
    assert pod.status.container_statuses[0].state.waiting is not None


def test_a_restarted_container_has_another_id_a_count_and_a_last_state() -> None:
    pod = run(SPEC.restarted("app"), started_at=AT + 9, last_finished_at=AT + 8, last_id="containerd://x")
    (app,) = pod.status.container_statuses
    assert app.restart_count == 1
    assert app.container_id == f"containerd://{SPEC.restarted('app').container_id('app')}"
    assert app.container_id != f"containerd://{SPEC.container_id('app')}"
    assert app.last_state.terminated is not None


def test_node_and_daemon_set_are_what_the_collector_reads() -> None:
    node = msgspec.convert(node_object("n", AT), kube.Node)
    assert node.is_ready
    assert node.status.node_info.operating_system == "linux"
    assert daemon_set_object("memcollect", "agent", {"a": "b"}, 1)["status"]["numberReady"] == 1


def test_a_list_is_written_whole(tmp_path: Path) -> None:
    write_list(tmp_path / "pods.json", [{"a": 1}])
    write_list(tmp_path / "pods.json", [])
    assert json.loads((tmp_path / "pods.json").read_text()) == {"items": []}
    assert [file.name for file in tmp_path.iterdir()] == ["pods.json"]
