"""A pod's life as the API server is told of it; plain directories stand for cgroups."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from memcollect.lab import cgroups
from memcollect.lab.kubelet import Kubelet
from memcollect.lab.layout import ContainerSpec, Layout, PodSpec

SPEC = PodSpec(name="sandbox", containers=[ContainerSpec(name="seed"), ContainerSpec(name="app")])


@pytest.fixture
def kubelet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kubelet:
    """A kubelet on a tree where only what the kernel does by itself is done for it."""
    monkeypatch.setattr(cgroups, "hand_down", lambda _path: None)
    monkeypatch.setattr(cgroups, "remove", lambda path: shutil.rmtree(path, ignore_errors=True))
    (tmp_path / "cgroup").mkdir()
    (tmp_path / "api").mkdir()
    return Kubelet(Layout(tmp_path / "cgroup"), "n", tmp_path / "api")


def told(tmp_path: Path) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads((tmp_path / "api" / "pods.json").read_text())["items"]
    return items


def states(pod: dict[str, Any]) -> dict[str, str]:
    statuses = pod["status"]["containerStatuses"] + pod["status"].get("initContainerStatuses", [])
    return {each["name"]: next(iter(each["state"])) for each in statuses}


def test_a_pod_is_told_of_from_its_making_to_its_end(kubelet: Kubelet, tmp_path: Path) -> None:
    assert told(tmp_path) == []
    assert (tmp_path / "api" / "nodes.json").exists()
    placed = kubelet.place(SPEC, {"app": "x"}, init=["seed"])
    assert states(told(tmp_path)[0]) == {"seed": "waiting", "app": "waiting"}
    kubelet.started(SPEC, "seed")
    kubelet.finished(placed, "seed")
    kubelet.started(SPEC, "app")
    assert states(told(tmp_path)[0]) == {"seed": "terminated", "app": "running"}
    assert not placed.containers["seed"].exists()
    kubelet.remove(placed)
    assert told(tmp_path) == []
    assert not placed.cgroup.exists()


def test_a_restart_is_a_new_cgroup_and_a_new_id_in_the_same_pod(kubelet: Kubelet, tmp_path: Path) -> None:
    placed = kubelet.place(SPEC, {})
    kubelet.started(SPEC, "app")
    again = kubelet.restart(placed, "app")
    assert states(told(tmp_path)[0])["app"] == "waiting"
    kubelet.started(again.spec, "app")
    (status,) = [each for each in told(tmp_path)[0]["status"]["containerStatuses"] if each["name"] == "app"]
    assert status["restartCount"] == 1
    assert status["lastState"]["terminated"]["containerID"].endswith(SPEC.container_id("app"))
    assert again.cgroup == placed.cgroup
    assert again.containers["app"] != placed.containers["app"]
    assert again.containers["seed"] == placed.containers["seed"]
    assert not placed.containers["app"].exists()


def test_without_an_api_server_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroups, "hand_down", lambda _path: None)
    Kubelet(Layout(tmp_path), "n", None).place(SPEC, {})
    assert list(tmp_path.glob("*.json")) == []
