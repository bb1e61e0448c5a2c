"""The node's sampler: what it finds below a tree, and what it writes for the API server."""

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

from memcollect.lab import metrics
from memcollect.lab.cadvisor import Pace
from memcollect.lab.layout import ContainerSpec, PodSpec, leaf_name, pod_path
from memcollect.lab.node_state import ContainerRun, PodRun, pod_object, write_list

SPEC = PodSpec(name="sandbox", containers=[ContainerSpec(name="seed"), ContainerSpec(name="app")])
PACE = Pace(least=10.0, most=20.0, scrape=15.0)


def tree(root: Path) -> Path:
    leaf = root / pod_path(SPEC) / leaf_name(SPEC, "app")
    leaf.mkdir(parents=True)
    (leaf / "memory.stat").write_text("inactive_file 4096\n")
    (leaf / "memory.current").write_text("12288\n")
    (leaf / "cpu.stat").write_text("usage_usec 5\n")
    (leaf / "memory.events").write_text("")
    return leaf


def pod() -> dict[str, Any]:
    now = time.time()
    runs = [
        ContainerRun(name="seed", is_init=True, started_at=now, finished_at=now),
        ContainerRun(name="app", started_at=now),
    ]
    return pod_object(PodRun(spec=SPEC, labels={"app": "x"}, created_at=now, containers=runs, node="n"))


def test_containers_are_found_by_their_ids_and_the_pods_own_cgroup_is_none(tmp_path: Path) -> None:
    leaf = tree(tmp_path)
    assert metrics.containers_below(tmp_path / "kubepods.slice") == {SPEC.container_id("app"): leaf}
    assert metrics.containers_below(tmp_path / "nothing") == {}


def test_only_main_containers_that_run_are_metrics_business(tmp_path: Path) -> None:
    write_list(tmp_path / "pods.json", [pod()])
    (found,) = metrics.running_pods(tmp_path / "pods.json")
    assert (found.namespace, found.name, found.labels) == ("deer-flow", "sandbox", {"app": "x"})
    assert found.containers == {"app": SPEC.container_id("app")}


def test_readings_are_logged_and_the_second_one_is_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path)
    write_list(tmp_path / "pods.json", [pod()])
    log = io.StringIO()
    clock = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    node = metrics.Node(tmp_path, tmp_path, PACE, log)
    published = []
    for now in range(100, 150):
        clock[0] = float(now)
        node.turn()
        file = tmp_path / "podmetrics.json"
        published.append(len(json.loads(file.read_bytes())["items"]) if file.exists() else None)
    assert published[:15] == [None] * 15
    assert published[15:30] == [0] * 15
    assert published[30:] == [1] * 20
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert {line["container_id"] for line in lines} == {SPEC.container_id("app")}
    assert 3 <= len(lines) <= 6


def test_a_container_without_a_cgroup_yet_is_passed_over(tmp_path: Path) -> None:
    write_list(tmp_path / "pods.json", [pod()])
    log = io.StringIO()
    metrics.Node(tmp_path, tmp_path, PACE, log).turn()
    assert log.getvalue() == ""
