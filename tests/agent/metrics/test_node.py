import os
import sys
from pathlib import Path

from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.metrics.node import MAX_NAME, Limits, read_node
from memcollect_agent.metrics.readings import NodeReading, PodReading
from memcollect_agent.wire import SampleRequest
from worlds.agent_trees import Machine, pid_stat, recorded
from worlds.pod_tree import PodTree, container_id, uid


def roots_of(tree: PodTree) -> Roots:
    return Roots(proc=str(tree.proc), cgroup=str(tree.cgroup), sys=str(tree.sys))


def only(node: NodeReading) -> PodReading:
    (pod,) = node.pods
    return pod


def test_it_reads_what_a_sample_reads() -> None:
    for condition in ("systemd-kernel-7.2", "systemd-kernel-6.12", "systemd-oom-kernel-7.2"):
        roots = recorded(condition)
        node, sample = read_node(roots), sample_node(SampleRequest(), roots)
        assert node.readable
        mine = {
            (pod.uid, one.id, one.role, one.parts.current, one.swap, one.inode)
            for pod in node.pods
            for one in pod.containers
        }
        theirs = {
            (p.uid, c.id, c.role, c.cgroup.current_bytes, c.cgroup.swap.current_bytes, c.cgroup.inode)
            for p in sample.pods
            for c in p.containers
        }
        assert mine == theirs
        assert len(mine) >= 4
        assert {p.uid: p.qos_class for p in node.pods} == {p.uid: p.qos_class for p in sample.pods}


def test_a_small_container_of_one_process_named_pause_is_the_pause_container(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    pod = "/kubepods/burstable/pod1"
    machine.cgroup(pod)
    machine.cgroup(f"{pod}/{container_id(1)}", (7,), current=200_000)
    machine.cgroup(f"{pod}/{container_id(2)}", (8,), current=200_000)
    machine.process(7, pid_stat(7, "pause"))
    machine.process(8)
    assert [one.role for one in only(read_node(machine.roots)).containers] == ["pause", "container"]


def test_what_is_charged_to_no_child_is_outside_the_containers(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    pod = tree.add_pod(1, 1, 2, current=100)
    (pod / "memory.current").write_text("250\n")
    (pod / "cgroup.stat").write_text("nr_descendants 2\nnr_dying_descendants 3\n")
    read = only(read_node(roots_of(tree)))
    assert (read.current, read.outside_containers, read.dying_cgroups) == (250, 50, 3)


def test_with_one_child_unread_nothing_is_said_to_be_outside(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    pod = tree.add_pod(1, 1, 2, current=100)
    (pod / container_id(2) / "memory.current").write_text("what\n")
    assert only(read_node(roots_of(tree))).outside_containers is None


def test_a_file_that_says_nonsense_spoils_one_number_alone(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    pod = tree.add_pod(1, 1, 2, current=100, anon=100, active_anon=100)
    (pod / container_id(1) / "memory.stat").write_text("anon\n")
    (pod / container_id(1) / "memory.swap.current").write_text("-3\n")
    node = read_node(roots_of(tree))
    broken, whole = only(node).containers
    assert (broken.parts.current, broken.parts.working_set, broken.swap) == (100, None, None)
    assert whole.parts.composition["anon"] == 100
    assert [(p.kind, p.reason) for p in node.problems] == [("container", "unreadable")]


def test_a_kernel_without_swap_accounting_has_no_swap(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    tree.add_pod(1, 1)
    node = read_node(roots_of(tree))
    assert only(node).containers[0].swap is None
    assert only(node).dying_cgroups is None
    assert node.problems == []


def test_a_fifo_where_a_file_should_be_holds_nothing_up(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    pod = tree.add_pod(1, 1)
    (pod / container_id(1) / "memory.current").unlink()
    os.mkfifo(pod / container_id(1) / "memory.current")
    assert only(read_node(roots_of(tree))).containers[0].parts.current is None


def test_cgroups_of_unknown_shape_are_named_escaped_and_cut(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    pod = tree.add_pod(1)
    tree.write(pod / "kata\x1b[31m", 5)
    tree.write(pod / ("x" * 200), 6)
    names = [one.id for one in only(read_node(roots_of(tree))).containers]
    assert names == [r"kata\x1b[31m", "x" * MAX_NAME]


def test_a_limit_is_a_number_and_no_limit_is_none(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    pod = tree.add_pod(1, 1, 2)
    (pod / container_id(1) / "memory.max").write_text("8388608\n")
    (pod / container_id(2) / "memory.max").write_text("max\n")
    assert {one.id: one.limit for one in only(read_node(roots_of(tree))).containers} == {
        container_id(1): 8388608,
        container_id(2): None,
    }


def test_a_pod_has_a_limit_and_a_lasting_part_of_its_own(tmp_path: Path) -> None:
    """An init container's tmpfs is charged to it, though no container that is left has it."""
    tree = PodTree(tmp_path)
    pod = tree.add_pod(1, 1)
    assert (only(read_node(roots_of(tree))).limit, only(read_node(roots_of(tree))).lasting) == (None, 4096)

    numbers = {"file": 80, "shmem": 60, "active_file": 15, "inactive_file": 5, "active_anon": 60}
    tree.write(pod, 100, **numbers, slab_reclaimable=7, kernel=7)
    (pod / "memory.max").write_text("128\n")
    found = only(read_node(roots_of(tree)))
    # Of 20 of page cache 5 are cold and 15 hot: neither these nor the slab last.
    assert (found.limit, found.working_set, found.lasting) == (128, 95, 95 - 15 - 7)

    (pod / "memory.max").write_text("nonsense\n")
    node = read_node(roots_of(tree))
    assert only(node).limit is None
    assert [problem.kind for problem in node.problems] == ["pod"]


def test_without_a_number_that_it_needs_the_lasting_part_is_unknown(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    stat = tree.add_pod(1, 1) / "memory.stat"
    stat.write_text(stat.read_text().replace("active_file 0\n", "", 1).replace("inactive_file 0\n", "", 1))
    assert only(read_node(roots_of(tree))).lasting is None


def test_the_kills_are_those_of_the_pods_own_cgroup_which_outlives_its_containers(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    pod = tree.add_pod(1, 1)
    (pod / "memory.events").write_text("low 0\nhigh 0\nmax 7\noom 4\noom_kill 3\noom_group_kill 1\n")
    assert only(read_node(roots_of(tree))).oom_kills == 3
    (pod / "memory.events").unlink()
    assert only(read_node(roots_of(tree))).oom_kills is None


def test_two_cgroups_with_one_name_make_one_series_and_a_note(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    pod = tree.add_pod(1, current=100)
    tree.write(pod / ("x" * 100 + "1"), 5)
    tree.write(pod / ("x" * 100 + "2"), 6)
    node = read_node(roots_of(tree))
    assert len(only(node).containers) == 1
    assert node.left_out.containers == {"duplicate": 1}
    assert only(node).outside_containers is None


def test_beyond_the_ceiling_whole_pods_are_left_out_and_counted(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    for number in range(1, 6):
        tree.add_pod(number, 1, 2)
    node = read_node(roots_of(tree), Limits(max_containers=5))
    assert [pod.uid for pod in node.pods] == [uid(1), uid(2)]
    assert all(len(pod.containers) == 2 for pod in node.pods)
    assert (node.left_out.pods, node.left_out.containers) == ({"ceiling": 3}, {"ceiling": 6})


def test_a_pod_that_would_still_fit_does_not_take_the_place_of_one_that_did_not(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    tree.add_pod(1, 1)
    tree.add_pod(2, 1, 2, 3)
    tree.add_pod(3, 1)
    assert [pod.uid for pod in read_node(roots_of(tree), Limits(max_containers=2)).pods] == [uid(1)]


def test_what_there_was_no_time_for_is_counted(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    tree.add_pod(1, 1)
    node = read_node(roots_of(tree), Limits(seconds=0.0))
    assert (node.pods, node.left_out.pods) == ([], {"budget": 1})
    assert node.whole is not None
    assert node.whole.held == {}


def test_a_machine_that_cannot_be_measured_says_so(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    node = read_node(Roots(proc="/proc", cgroup=str(tmp_path)))
    assert not node.readable
    assert node.problems[0].kind == "node"
    assert "cgroup v1" in node.problems[0].detail


class _Opened:
    """Names of files opened while it is on; a hook stays for good."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.on = True
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.on and event == "open":
            self.names.append(str(arguments[0]))


def test_no_list_of_processes_is_read_though_a_container_of_no_pod_is_there(tmp_path: Path) -> None:
    """A snapshot asks which pod's process started it, and lists all pods' processes for that."""
    tree = PodTree(tmp_path)
    tree.add_pod(1, 1, current=64 << 20)
    (tree.cgroup / "docker").mkdir()
    tree.write(tree.cgroup / "docker" / container_id(9), 64 << 20)
    opened = _Opened()
    node = read_node(roots_of(tree))
    opened.on = False
    assert node.whole is not None
    assert node.whole.held["outside_containers"] == 64 << 20
    assert any(name.endswith("memory.current") for name in opened.names)
    assert [name for name in opened.names if name.endswith("cgroup.procs")] == []
