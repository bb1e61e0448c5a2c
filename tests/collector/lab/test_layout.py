"""Pods laid out as the kubelet lays them out; the paths are those of a real kubelet's recording."""

from pathlib import Path

import pytest

from memcollect.lab.layout import ContainerSpec, Driver, Layout, PodSpec, QosClass, leaf_name, pod_path
from memcollect.taking.log_names import names_from_logs
from memcollect_agent.pods import container_at, pod_at


def spec(qos_class: QosClass = "Burstable", driver: Driver = "systemd") -> PodSpec:
    containers = [ContainerSpec(name="app", limits={"memory.max": 4096})]
    return PodSpec(
        name="sandbox", qos_class=qos_class, driver=driver, containers=containers, limits={"memory.max": 8192}
    )


def scratch(root: Path, pod: PodSpec) -> Path:
    """Make the files that the kernel would make; plain directories stand for cgroups here."""
    leaf = root / pod_path(pod) / leaf_name(pod, "app")
    pause = root / pod_path(pod) / leaf_name(pod, "pause")
    for directory in (root, *leaf.relative_to(root).parents, leaf.relative_to(root), pause.relative_to(root)):
        path = root / directory
        path.mkdir(parents=True, exist_ok=True)
        (path / "cgroup.subtree_control").write_text("")
    return leaf


@pytest.mark.parametrize("qos_class", ["Guaranteed", "Burstable", "BestEffort"])
@pytest.mark.parametrize("driver", ["systemd", "cgroupfs"])
def test_the_agent_recognises_every_pod_by_its_path(qos_class: QosClass, driver: Driver) -> None:
    pod = spec(qos_class, driver)
    place = pod_at(f"/{pod_path(pod)}")
    assert place is not None
    assert (place.uid, place.qos_class, place.driver) == (pod.uid, qos_class, driver)
    assert container_at(leaf_name(pod, "app")).id == pod.container_id("app")


def test_a_guaranteed_pod_is_directly_below_kubepods() -> None:
    assert str(pod_path(spec("Guaranteed"))).startswith("kubepods.slice/kubepods-pod")
    assert str(pod_path(spec("Guaranteed", "cgroupfs"))) == f"kubepods/pod{spec().uid}"


def test_systemd_names_write_the_uid_with_underscores() -> None:
    assert "-" not in pod_path(spec()).name.removeprefix("kubepods-burstable-pod")


def test_limits_are_written_and_the_controller_is_handed_down_but_to_leaves(tmp_path: Path) -> None:
    pod = spec()
    leaf = scratch(tmp_path, pod)
    Layout(tmp_path).place(pod)
    assert (leaf / "memory.max").read_text() == "4096"
    assert (leaf / "memory.oom.group").read_text() == "1"
    assert (leaf.parent / "memory.max").read_text() == "8192"
    assert (leaf.parent / "cgroup.subtree_control").read_text() == "+memory"
    assert (leaf / "cgroup.subtree_control").read_text() == ""


def test_log_files_name_the_pod_as_a_node_does(tmp_path: Path) -> None:
    pod = spec()
    scratch(tmp_path / "cgroup", pod)
    layout = Layout(tmp_path / "cgroup", tmp_path / "log")
    layout.place(pod)
    layout.place(pod)
    names = names_from_logs(str(tmp_path / "log"))
    assert names.pods == {pod.uid: ("deer-flow", "sandbox")}
    assert names.containers == {pod.container_id("app"): "app"}


def test_the_same_pod_has_the_same_names_in_every_run() -> None:
    assert spec().uid == spec().uid
    assert spec().container_id("app") != spec().container_id("pause")
