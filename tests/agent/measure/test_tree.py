import shutil
from pathlib import Path

import pytest

from memcollect_agent.measure.sample import sample_node
from memcollect_agent.measure.tree import MOST_CGROUPS
from memcollect_agent.read import files
from memcollect_agent.wire import CgroupTree, CgroupUse, SampleRequest
from worlds.agent_trees import MIB, Machine, pid_stat

POD = "/kubepods/burstable/pod11111111-1111-4111-8111-111111111111"
ID = "a" * 64
ZONEINFO = "Node 0, zone Normal\n  pagesets\n    cpu: 0\n              count:    10\n"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    (tmp_path / "proc/meminfo").write_text("MemTotal:  1000 kB\nMemFree:  100 kB\n")
    (tmp_path / "proc/zoneinfo").write_text(ZONEINFO)
    (machine.top / "memory.stat").write_text("anon 5\nfile 6\ninactive_file 2\n")
    return machine


def tree_of(machine: Machine) -> CgroupTree:
    tree = sample_node(SampleRequest(pod_uids=[], sums=False, tree=True), machine.roots).tree
    assert tree is not None
    return tree


def uses(machine: Machine) -> dict[str, CgroupUse]:
    return {each.path: each for each in tree_of(machine).cgroups}


def test_without_being_asked_no_tree_is_read(machine: Machine) -> None:
    assert sample_node(SampleRequest(), machine.roots).tree is None


def test_slices_pods_and_services_are_told_and_nothing_inside_them(machine: Machine) -> None:
    machine.cgroup(f"{POD}/{ID}", current=3 * MIB)
    machine.cgroup(POD, current=4 * MIB)
    machine.cgroup("/system.slice/db.service/worker", current=MIB)
    machine.cgroup("/system.slice/db.service", current=2 * MIB)

    assert list(uses(machine)) == [
        "/kubepods",
        "/kubepods/burstable",
        POD,
        "/system.slice",
        "/system.slice/db.service",
    ]
    assert uses(machine)[POD].current_bytes == 4 * MIB


def test_the_root_has_its_memory_stat_between_two_looks_at_meminfo(machine: Machine) -> None:
    tree = tree_of(machine)

    assert tree.root == {"anon": 5, "file": 6, "inactive_file": 2}
    assert tree.meminfo == tree.meminfo_again == {"MemTotal": 1000 << 10, "MemFree": 100 << 10}
    assert tree.free_percpu_bytes == 10 * 4096


@pytest.mark.parametrize("before", ["memory.stat", "memory.current"])
def test_a_pod_that_is_removed_while_it_is_read_has_vanished(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    directory = machine.cgroup(POD, current=MIB)
    read = files.read_record

    def removing(name: str, dir_fd: int, path: str, limit: int) -> bytes:
        if path == f"{directory}/{before}":
            shutil.rmtree(directory)
        return read(name, dir_fd, path, limit)

    monkeypatch.setattr(files, "read_record", removing)
    tree = tree_of(machine)
    assert (POD in [each.path for each in tree.cgroups], tree.vanished) == (False, 1)


def test_only_the_lines_of_an_account_are_sent(machine: Machine) -> None:
    machine.cgroup(POD, current=MIB, shmem=7, kernel=9, pgfault=12345)

    stat = uses(machine)[POD].stat
    assert (stat["shmem"], stat["kernel"]) == (7, 9)
    assert "pgfault" not in stat


def test_a_cgroup_without_the_memory_controller_says_why_it_has_no_number(machine: Machine) -> None:
    bare = machine.top / "user.slice"
    bare.mkdir()
    (bare / "cgroup.procs").write_text("")

    use = uses(machine)["/user.slice"]
    assert (use.current_bytes, use.stat) == (None, {})
    assert "memory.current" in use.absent


def test_one_broken_file_does_not_spoil_the_rest(machine: Machine) -> None:
    (machine.cgroup(POD, current=MIB) / "memory.stat").write_text("anon twelve\n")
    machine.cgroup("/system.slice/db.service", current=2 * MIB)

    assert uses(machine)[POD].current_bytes == MIB
    assert "memory.stat" in uses(machine)[POD].absent
    assert uses(machine)["/system.slice/db.service"].absent == ""


def test_dying_cgroups_are_told_of_what_holds_others_and_life_of_pods(machine: Machine) -> None:
    pod = machine.cgroup(POD)
    (pod / "cgroup.events").write_text("populated 1\nfrozen 0\n")
    (machine.top / "kubepods/burstable/cgroup.stat").write_text("nr_descendants 3\nnr_dying_descendants 44\n")

    assert uses(machine)[POD].populated is True
    assert uses(machine)["/kubepods/burstable"].dying == 44


def test_a_container_outside_is_tied_to_the_pod_whose_process_is_its_ancestor(machine: Machine) -> None:
    machine.cgroup(f"{POD}/{ID}", pids=(100, 102))
    outside = machine.cgroup(f"/docker/{'b' * 64}", current=MIB, pids=(400,), shmem=7)
    (outside / "cgroup.events").write_text("populated 1\n")
    machine.cgroup(f"/docker/{'c' * 64}", pids=(500,))
    machine.process(400, pid_stat(400, ppid=102))
    machine.process(500, pid_stat(500, ppid=1))

    found = uses(machine)
    tied = found[f"/docker/{'b' * 64}"]
    assert (tied.started_by, tied.current_bytes, tied.stat["shmem"], tied.populated) == (POD, MIB, 7, True)
    assert found[f"/docker/{'c' * 64}"].started_by == ""


def test_processes_that_are_each_others_parents_end_the_search(machine: Machine) -> None:
    machine.cgroup(f"{POD}/{ID}", pids=(100,))
    machine.cgroup(f"/docker/{'b' * 64}", pids=(400,))
    machine.process(400, pid_stat(400, ppid=401))
    machine.process(401, pid_stat(401, ppid=400))

    assert uses(machine)[f"/docker/{'b' * 64}"].started_by == ""


def test_a_root_without_files_is_said_and_the_tree_is_read_all_the_same(machine: Machine) -> None:
    machine.cgroup(POD, current=MIB)
    (machine.top / "memory.stat").unlink()
    shutil.rmtree(machine.base / "proc")
    (machine.base / "proc").mkdir()

    tree = tree_of(machine)
    assert (tree.root, tree.meminfo, tree.free_percpu_bytes) == (None, None, None)
    assert set(tree.absent) == {"memory.stat", "meminfo", "free_percpu"}
    assert tree.cgroups[-1].current_bytes == MIB


def test_what_the_account_of_the_node_lacks_is_a_problem_and_not_only_a_gap(machine: Machine) -> None:
    (machine.base / "proc/meminfo").unlink()

    sample = sample_node(SampleRequest(pod_uids=[], sums=False, tree=True), machine.roots)
    assert [(each.name, each.reason) for each in sample.problems] == [("meminfo", "unreadable")]
    assert sample_node(SampleRequest(pod_uids=[], sums=False), machine.roots).problems == []


def test_a_kernel_without_memory_stat_of_the_root_is_no_failed_read(machine: Machine) -> None:
    (machine.top / "memory.stat").unlink()
    request = SampleRequest(pod_uids=[], sums=False, tree=True)

    sample = sample_node(request, machine.roots)
    assert sample.problems == []
    assert sample.tree is not None
    assert sample.tree.absent["memory.stat"] == "this kernel keeps no memory.stat of the root cgroup"

    (machine.top / "memory.stat").mkdir()
    assert [each.name for each in sample_node(request, machine.roots).problems] == ["memory.stat"]


def test_cgroups_beyond_the_ceiling_are_a_problem(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("tree", "sample"):
        monkeypatch.setattr(f"memcollect_agent.measure.{module}.MOST_CGROUPS", 3)
    for number in range(5):
        machine.cgroup(f"/system.slice/s{number}.service")

    (problem,) = sample_node(SampleRequest(pod_uids=[], sums=False, tree=True), machine.roots).problems
    assert problem.detail == "of this node's cgroups 3 were read and 3 or more left out"


def test_beyond_the_ceiling_cgroups_are_counted_and_not_read(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memcollect_agent.measure.tree.MOST_CGROUPS", 3)
    for number in range(5):
        machine.cgroup(f"/system.slice/s{number}.service")

    tree = tree_of(machine)
    assert (len(tree.cgroups), tree.left_out) == (3, 3)
    assert MOST_CGROUPS >= 1000


def test_a_name_that_would_be_obeyed_by_a_terminal_is_made_visible(machine: Machine) -> None:
    machine.cgroup("/evil\x1b[2J")

    assert "/evil\\x1b[2J" in uses(machine)
