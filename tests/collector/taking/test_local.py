from dataclasses import replace
from pathlib import Path

import pytest

from memcollect.errors import UnsupportedError
from memcollect.explain import explain
from memcollect.join import Capture, LocalNames, local_snapshot
from memcollect.taking.local import LocalRequest, choose, measure
from memcollect_agent.wire import Cgroup, Container, Pod
from worlds import local_tree
from worlds.agent_trees import Machine

CAPTURE = Capture(label="", captured_at="", finished_at="")


def _unit(kind: str, name: str, current: int = 0, container_id: str | None = None) -> Pod:
    cgroup = Cgroup(path=f"/{name}", current_bytes=current)
    return Pod(kind=kind, uid=name, cgroup=cgroup, containers=[Container(id=container_id, cgroup=cgroup)])


def _request(root: Path, **more: object) -> LocalRequest:
    return LocalRequest(
        cgroup_root=str(root / "cgroup"),
        proc_root=str(root / "proc"),
        sys_root=str(root / "sys"),
        log_root=str(root / "log"),
        **more,  # type: ignore[arg-type]
    )


def test_pods_and_containers_beside_them_go_before_services() -> None:
    pods = [_unit("pod", "p"), _unit("container", "c"), _unit("service", "s")]
    assert choose(pods, [], LocalNames()) == (pods[:2], [])


def test_a_container_that_holds_pods_is_not_counted_beside_them() -> None:
    pods = [_unit("pod", "node/kubelet/p"), _unit("container", "node")]
    assert choose(pods, [], LocalNames())[0] == pods[:1]


def test_containers_are_taken_where_there_are_no_pods_and_a_note_says_so() -> None:
    pods = [_unit("container", "c"), _unit("service", "s")]
    chosen, notes = choose(pods, [], LocalNames())
    assert chosen == [pods[0]]
    assert "containers of this machine" in notes[0]


def test_only_the_largest_services_are_taken_and_a_note_says_how_many() -> None:
    pods = [_unit("service", f"{size}.service", size) for size in range(30)]
    chosen, notes = choose(pods, [], LocalNames())
    assert [pod.cgroup.current_bytes for pod in chosen] == list(range(29, 19, -1))
    assert "10 largest of 30 services" in notes[0]


@pytest.mark.parametrize("pattern", ["u-1-long", "web*", "shop/web-?", "abcdef012345"])
def test_a_pattern_may_mean_any_name_of_a_pod(pattern: str) -> None:
    pods = [_unit("pod", "u-1-long-uid", container_id="abcdef0123456789"), _unit("pod", "u-2")]
    assert choose(pods, [pattern], LocalNames(pods={"u-1-long-uid": ("shop", "web-1")})) == ([pods[0]], [])


@pytest.mark.parametrize("pattern", ["*1", "u-1", "abc"])
def test_a_pattern_meant_for_names_does_not_match_ids(pattern: str) -> None:
    pod = _unit("pod", "u-1", container_id="abc1")
    assert choose([pod], [pattern], LocalNames(pods={"u-1": ("shop", "web")})) == ([], [])


def test_a_pod_is_measured_with_its_processes_and_named_from_the_logs(tmp_path: Path) -> None:
    local_tree.make_machine(tmp_path)
    measured = measure(_request(tmp_path, process_limit=5))
    (pod,) = measured.sample.pods
    assert pod.uid == local_tree.POD_UID
    assert pod.containers[0].sums.pss_bytes == 42 << 20
    assert measured.names.pods[pod.uid] == ("deer-flow", "sandbox-1")
    assert measured.sample.problems == []


def test_without_sums_no_process_is_read(tmp_path: Path) -> None:
    local_tree.make_machine(tmp_path)
    (pod,) = measure(_request(tmp_path, sums=False)).sample.pods
    assert pod.containers[0].sums.pss_bytes is None
    assert pod.containers[0].cgroup.current_bytes is not None


def test_a_service_is_measured_where_nothing_else_runs(tmp_path: Path) -> None:
    local_tree.make_machine(tmp_path, with_pod=False)
    measured = measure(_request(tmp_path))
    assert [pod.uid for pod in measured.sample.pods] == ["ssh.service"]
    assert measured.sample.pods[0].containers[0].sums.rss_bytes == 44 << 20


def test_a_pattern_that_matches_nothing_is_a_problem_and_not_a_failure(tmp_path: Path) -> None:
    local_tree.make_machine(tmp_path)
    measured = measure(_request(tmp_path, patterns=("nobody", "ssh*")))
    assert [pod.uid for pod in measured.sample.pods] == ["ssh.service"]
    assert [(problem.name, problem.reason) for problem in measured.sample.problems] == [
        ("nobody", "not-found")
    ]


def test_an_empty_machine_is_told_in_a_sentence(tmp_path: Path) -> None:
    local_tree.make_machine(tmp_path, with_pod=False, with_service=False)
    with pytest.raises(UnsupportedError, match=r"Nothing to measure.*memcollect demo"):
        measure(_request(tmp_path))


def test_a_tree_of_the_first_version_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "cgroup" / "memory").mkdir(parents=True)
    (tmp_path / "proc").mkdir()
    with pytest.raises(UnsupportedError, match=r"cgroup v1.*memcollect demo"):
        measure(_request(tmp_path))


def test_a_root_that_does_not_exist_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="cannot be measured"):
        measure(_request(tmp_path))


def test_sandboxes_without_a_pod_are_taken_with_the_pods() -> None:
    pods = [_unit("sandbox", "vm"), _unit("pod", "p"), _unit("service", "s")]
    assert choose(pods, [], LocalNames()) == ([pods[1], pods[0]], [])


def test_a_recorded_node_without_pods_shows_its_sandboxes_and_a_pattern_chooses_among_them() -> None:
    tree = Path(__file__).parents[2] / "fixtures/lab-runtime-e2b-snapshot"
    request = LocalRequest(
        cgroup_root=str(tree / "sys/fs/cgroup"),
        proc_root=str(tree / "proc"),
        sys_root=str(tree / "sys"),
        log_root=str(tree / "log"),
    )
    names = [pod.name for pod in measure(request).sample.pods]
    assert names == ["sbx-one", "sbx-three", "sbx-two"]
    one = measure(replace(request, patterns=("sbx-two",)))
    assert [pod.name for pod in one.sample.pods] == ["sbx-two"]


def test_a_container_is_found_and_shown_by_the_name_its_runtime_gave_it(tmp_path: Path) -> None:
    (tmp_path / "machine").mkdir()
    machine = Machine(tmp_path / "machine")
    container_id = "c7" * 32
    machine.cgroup(f"/system.slice/docker-{container_id}.scope", (10,))
    machine.cgroup(f"/system.slice/docker-{'d8' * 32}.scope")
    machine.process(10)
    kept = tmp_path / f"var/lib/docker/containers/{container_id}/config.v2.json"
    kept.parent.mkdir(parents=True)
    kept.write_text('{"ID": "x", "Name": "/web", "Config": {}}')
    roots = machine.roots
    request = LocalRequest(
        patterns=("we?",),
        cgroup_root=roots.cgroup,
        proc_root=roots.proc,
        sys_root=roots.sys,
        log_root=str(tmp_path),
        host_root=str(tmp_path),
    )
    measured = measure(request)
    assert [pod.uid for pod in measured.sample.pods] == [container_id]
    (row,) = explain(local_snapshot(measured.sample, measured.names, CAPTURE)).pods
    assert row.name == "web"
    assert [each.cause for each in row.findings if each.cause == "other_tool"]
