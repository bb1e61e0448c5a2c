import errno
import json
import os
from pathlib import Path

import msgspec
import psutil
import pytest

from memcollect_agent.errors import ReadError, UnsupportedError
from memcollect_agent.measure import pod as measure_pod
from memcollect_agent.measure import subtree
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.read.cgroupfs import CgroupDir
from memcollect_agent.wire import Container, NodeSample, Pod, Problem, SampleRequest
from worlds.agent_faults import Fail
from worlds.agent_trees import FIXTURES, MIB, Machine, pid_stat, recorded, smaps

CONDITIONS = [
    "systemd-kernel-7.2",
    "cgroupfs-init-tmpfs-kernel-7.2",
    "systemd-kernel-6.12",
    "systemd-oom-kernel-7.2",
]
UID = "476ef1fb-90cb-446a-989f-e9a1ed217abf"
POD = f"/kubepods/burstable/pod{UID}"
ID = "c7" * 32
OTHER = "d8" * 32


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """One pod, its pause container and an app of two processes, one of them in a sub-cgroup."""
    machine = Machine(tmp_path)
    machine.cgroup(POD, current=20 * MIB)
    machine.cgroup(f"{POD}/{OTHER}", (10,), current=MIB // 4)
    machine.cgroup(f"{POD}/{ID}", (11,), current=16 * MIB)
    machine.cgroup(f"{POD}/{ID}/inner/deeper", (12,), current=MIB)
    machine.process(10, pid_stat(10, "pause"), smaps(200))
    machine.process(11)
    machine.process(12, None, smaps(8192))
    return machine


def sampled(machine: Machine, request: SampleRequest | None = None) -> NodeSample:
    return sample_node(request or SampleRequest(), machine.roots)


def only_pod(sample: NodeSample) -> Pod:
    (pod,) = sample.pods
    return pod


def app(sample: NodeSample) -> Container:
    (container,) = [child for child in only_pod(sample).containers if child.id == ID]
    return container


def containers_of(sample: NodeSample) -> list[Container]:
    return [container for pod in sample.pods for container in pod.containers]


@pytest.mark.parametrize("condition", CONDITIONS)
class TestRecordedNodes:
    def test_nothing_is_lost(self, condition: str) -> None:
        sample = sample_node(SampleRequest(), recorded(condition))
        assert sample.problems == []
        for container in containers_of(sample):
            assert container.sums.listed == container.sums.read > 0
            assert container.cgroup.stat is not None
            assert not container.sums.skipped

    def test_the_working_set_is_cadvisors_to_the_byte(self, condition: str) -> None:
        """The kubelet's own cAdvisor measured the same node in the same seconds."""
        expected = json.loads((FIXTURES / condition / "cadvisor-working-set.json").read_text())
        ours = {}
        for container in containers_of(sample_node(SampleRequest(), recorded(condition))):
            assert container.cgroup.stat is not None
            assert container.cgroup.current_bytes is not None
            ours[container.cgroup.path] = max(
                0, container.cgroup.current_bytes - container.cgroup.stat["inactive_file"]
            )
        assert ours == {path: value for path, value in expected.items() if path in ours}
        assert len(ours) >= 9

    def test_what_processes_map_anonymously_is_what_is_charged(self, condition: str) -> None:
        for container in containers_of(sample_node(SampleRequest(), recorded(condition))):
            assert container.cgroup.stat is not None
            assert container.sums.pss_anon_bytes == container.cgroup.stat["anon"]

    def test_every_pod_has_one_pause_container(self, condition: str) -> None:
        for pod in sample_node(SampleRequest(), recorded(condition)).pods:
            assert [child.role for child in pod.containers].count("pause") == 1
            assert {child.role for child in pod.containers} == {"pause", "container"}


def test_a_recorded_node_is_told_as_it_was() -> None:
    sample = sample_node(SampleRequest(), recorded("systemd-kernel-7.2"))
    classes = {pod.uid: (pod.qos_class, pod.driver, len(pod.containers)) for pod in sample.pods}
    assert classes == {
        "3c171264-4698-4eab-a6f1-fc3d6d60d66e": ("BestEffort", "systemd", 2),
        "476ef1fb-90cb-446a-989f-e9a1ed217abf": ("Burstable", "systemd", 3),
        "ab435739-ce8d-4287-8fd4-00086da46c46": ("BestEffort", "systemd", 3),
        "b361119b-f663-4d3c-a6b4-4f72a32a506f": ("Guaranteed", "systemd", 2),
    }
    assert (sample.node.kernel, sample.node.cgroup_version) == ("7.2.7", "v2")
    assert "memory_hugetlb_accounting" in sample.node.cgroup_mount_options
    # The recording has no /sys and no /proc/stat: unknown, with the reason.
    assert sample.node.cpus is None
    assert "there is no" in sample.node.absent["cpus"]
    assert {"boot_time", "swap_devices", "zswap_enabled"} <= sample.node.absent.keys()


def test_tmpfs_of_an_init_container_is_in_the_pod_and_in_no_container() -> None:
    sample = sample_node(
        SampleRequest(pod_uids=["e6f4f99e-1fb0-4c02-8c51-7974e1302462"]),
        recorded("cgroupfs-init-tmpfs-kernel-7.2"),
    )
    pod = only_pod(sample)
    assert pod.driver == "cgroupfs"
    assert pod.cgroup.current_bytes == 68403200
    assert sum(child.cgroup.current_bytes or 0 for child in pod.containers) == 68403200 - 67350528


def test_oom_kills_are_kept_by_the_pod() -> None:
    sample = sample_node(
        SampleRequest(pod_uids=["3608534d-84fe-477d-968a-5f01040c72c5"]), recorded("systemd-oom-kernel-7.2")
    )
    events = only_pod(sample).cgroup.events
    assert events is not None
    assert (events["oom_kill"], events["oom_group_kill"]) == (15, 5)


def test_a_files_absence_has_its_reason() -> None:
    sample = sample_node(SampleRequest(), recorded("systemd-kernel-7.2"))
    cgroup = sample.pods[0].containers[0].cgroup
    assert cgroup.pressure is None
    assert cgroup.absent["memory.pressure"] == "not in this kernel"
    assert cgroup.peak_bytes is not None
    assert "memory.peak" not in cgroup.absent


def test_the_subtree_belongs_to_the_container(machine: Machine) -> None:
    container = app(sampled(machine, SampleRequest(process_limit=5)))
    assert (container.sums.listed, container.sums.read) == (2, 2)
    assert container.sums.pss_bytes == (4096 + 8192) * 1024
    assert [(process.pid, process.cgroup) for process in container.processes] == [
        (12, "/inner/deeper"),
        (11, None),
    ]


def test_a_container_nested_thirty_levels_deep_is_summed(machine: Machine) -> None:
    machine.cgroup(f"{POD}/{ID}" + "/level" * 35, (13,))
    machine.process(13)
    assert app(sampled(machine)).sums.read == 3


def test_pods_nested_in_a_container_belong_to_it(machine: Machine) -> None:
    machine.cgroup(f"{POD}/{ID}/kubepods/pod{UID[::-1]}/{OTHER}", (13,))
    machine.process(13)
    sample = sampled(machine)
    assert only_pod(sample).uid == UID
    assert app(sample).sums.read == 3


def test_a_pid_listed_twice_counts_once(machine: Machine) -> None:
    (machine.top / f"{POD}/{ID}/inner/cgroup.procs".lstrip("/")).write_text("11\n11\n")
    assert app(sampled(machine)).sums.listed == 2


def test_a_process_that_moved_to_a_sibling_counts_once(machine: Machine) -> None:
    machine.cgroup(f"{POD}/{'e9' * 32}", (11,))
    first, second = [child.sums for child in only_pod(sampled(machine)).containers if child.id != OTHER]
    assert (first.listed, first.read) == (2, 2)
    assert (second.listed, second.read) == (0, 0)


def test_processes_of_the_pods_own_cgroup_are_its_own(machine: Machine) -> None:
    (machine.top / POD.lstrip("/") / "cgroup.procs").write_text("14\n")
    machine.process(14)
    assert only_pod(sampled(machine)).own_sums.pss_bytes == 4096 * 1024


def test_a_pause_container_is_recognised_by_its_only_process(machine: Machine) -> None:
    roles = {child.id: child.role for child in only_pod(sampled(machine)).containers}
    assert roles == {OTHER: "pause", ID: "container"}


def test_a_large_container_called_pause_is_none(machine: Machine) -> None:
    machine.cgroup(f"{POD}/{OTHER}", (10,), current=3 * MIB)
    roles = {child.id: child.role for child in only_pod(sampled(machine)).containers}
    assert roles[OTHER] == "container"


def test_a_child_of_unknown_name_is_kept_as_unknown(machine: Machine) -> None:
    machine.cgroup(f"{POD}/strange\x1b", (15,))
    machine.process(15)
    (strange,) = [child for child in only_pod(sampled(machine)).containers if child.id is None]
    assert (strange.role, strange.sums.read) == ("unknown", 1)
    assert strange.cgroup.path == rf"{POD}/strange\x1b"


def test_of_a_pod_with_very_many_cgroups_the_containers_are_read_and_the_rest_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure_pod, "MOST_CHILDREN", 3)
    for number in range(5):
        machine.cgroup(f"{POD}/a-leak-{number}")
    sample = sampled(machine)
    *read, unread = only_pod(sample).containers

    assert [each.id for each in read] == [ID, OTHER, None]
    assert all(each.cgroup.current_bytes for each in read)
    assert (unread.cgroup.path, unread.cgroup.stat, unread.cgroup.current_bytes) == (
        f"{POD}/a-leak-1",
        None,
        None,
    )
    assert [(each.name, each.reason) for each in sample.problems] == [(POD, "unsupported")]
    assert "4 were not read" in sample.problems[0].detail
    assert unread.cgroup.absent["memory.current"] == sample.problems[0].detail


def test_more_cgroups_in_a_container_than_are_searched_are_told_as_no_matter_of_time(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subtree, "MAX_SUB_CGROUPS", 1)
    (problem,) = sampled(machine).problems

    assert (problem.name, problem.reason) == (f"{POD}/{ID}", "unsupported")
    assert "more than 1 cgroups inside it" in problem.detail


def test_a_container_that_cannot_be_opened_stays_in_its_pod_without_numbers(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(pod: CgroupDir, name: str) -> CgroupDir:
        if name == ID:
            raise ReadError(name, "too many open files")
        return opened(pod, name)

    opened = CgroupDir.child
    monkeypatch.setattr(CgroupDir, "child", refused)
    container = app(sampled(machine))

    assert (container.cgroup.path, container.cgroup.stat) == (f"{POD}/{ID}", None)
    assert "too many open files" in container.cgroup.absent["memory.stat"]


def test_what_ended_meanwhile_is_counted_not_reported(machine: Machine) -> None:
    machine.cgroup(f"{POD}/{ID}", (11, 99))
    sample = sampled(machine)
    sums = app(sample).sums
    assert (sums.listed, sums.read, sums.vanished, sums.skipped) == (3, 2, 1, [])
    assert sample.problems == []


def test_zombies_and_kernel_threads_are_counted_apart(machine: Machine) -> None:
    machine.cgroup(f"{POD}/{ID}", (11, 20, 21))
    machine.process(20, pid_stat(20, state="Z", rss_pages=0))
    machine.process(21, pid_stat(21, flags=0x00200000, rss_pages=0))
    sums = app(sampled(machine)).sums
    assert (sums.listed, sums.read, sums.zombies, sums.kernel_threads) == (4, 2, 1, 1)


@pytest.mark.parametrize("when", ["open", "read"])
@pytest.mark.parametrize(
    ("name", "code"), [("smaps_rollup", errno.ESRCH), ("stat", errno.ENOENT), ("stat", errno.ESRCH)]
)
def test_a_process_that_ends_mid_read_is_vanished(
    machine: Machine, fail: Fail, name: str, code: int, when: str
) -> None:
    fail(name, code, when)
    sample = sampled(machine)
    assert (app(sample).sums.vanished, app(sample).sums.read) == (2, 0)
    assert app(sample).sums.pss_bytes is None
    assert app(sample).cgroup.current_bytes == 16 * MIB
    assert sample.problems == []


def test_without_smaps_rollup_the_kernel_lacks_it_and_no_process_has_vanished(
    machine: Machine, fail: Fail
) -> None:
    """It was 0 B of PSS "as measured": no process left, and none skipped."""
    fail("smaps_rollup", errno.ENOENT)
    (machine.base / "proc/11/status").write_text("Name:\tapp\nState:\tS (sleeping)\nVmRSS:\t  5000 kB\n")
    sample = sampled(machine, SampleRequest(process_limit=5))
    sums = app(sample).sums
    assert (sums.listed, sums.read, sums.vanished, sums.pss_bytes) == (2, 0, 0, None)
    assert {(each.pid, each.reason, each.rss_bytes) for each in sums.skipped} == {
        (11, "unsupported", 5000 * 1024),
        (12, "unsupported", 4 * MIB),
    }
    assert [(each.pid, each.skipped, each.pss_bytes) for each in app(sample).processes] == [
        (11, "unsupported", None),
        (12, "unsupported", None),
    ]
    (problem,) = sample.problems
    assert (problem.kind, problem.reason) == ("node", "unsupported")
    assert "CONFIG_PROC_PAGE_MONITOR" in problem.detail


@pytest.mark.parametrize("when", ["open", "read"])
@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM])
def test_a_refused_process_is_listed_with_what_to_do(
    machine: Machine, fail: Fail, code: int, when: str
) -> None:
    fail("smaps_rollup", code, when)
    sample = sampled(machine)
    sums = app(sample).sums
    assert [process.reason for process in sums.skipped] == ["denied", "denied"]
    assert sums.skipped[0].rss_bytes == 1024 * os.sysconf("SC_PAGE_SIZE")
    assert "SYS_PTRACE" in sums.skipped[0].detail
    assert sums.pss_bytes is None
    assert {(problem.kind, problem.reason) for problem in sample.problems} == {("process", "denied")}


def test_one_bad_process_spoils_nothing_else(machine: Machine) -> None:
    (machine.base / "proc/11/smaps_rollup").write_text("garbage\n")
    sample = sampled(machine)
    sums = app(sample).sums
    assert (sums.read, sums.pss_bytes) == (1, 8192 * 1024)
    (skipped,) = sums.skipped
    assert (skipped.pid, skipped.reason) == (11, "unreadable")
    assert "smaps_rollup, line 1" in skipped.detail


CGROUP_FILES = ["memory.stat", "memory.current", "memory.max", "memory.events", "cgroup.controllers"]


@pytest.mark.parametrize("when", ["open", "read"])
@pytest.mark.parametrize(("code", "word"), [(errno.EACCES, "denied: "), (errno.EIO, "unreadable: ")])
@pytest.mark.parametrize("name", CGROUP_FILES[:4])
def test_a_refused_cgroup_file_is_absent_with_the_reason(  # noqa: PLR0913, PLR0917 - pytest names them
    machine: Machine, fail: Fail, name: str, code: int, word: str, when: str
) -> None:
    fail(name, code, when)
    container = app(sampled(machine))
    assert container.cgroup.absent[name].startswith(word)
    assert container.sums.read == 2


@pytest.mark.parametrize("when", ["open", "read"])
@pytest.mark.parametrize("code", [errno.ENOENT, errno.ENODEV])
@pytest.mark.parametrize("name", ["memory.stat", "memory.current"])
def test_a_pod_that_goes_before_its_first_numbers_is_a_problem(
    machine: Machine, fail: Fail, name: str, code: int, when: str
) -> None:
    fail(name, code, when)
    sample = sampled(machine)
    assert sample.pods == []
    assert [(problem.name, problem.reason) for problem in sample.problems] == [(UID, "gone")]


@pytest.mark.parametrize("name", ["memory.max", "memory.events"])
def test_a_cgroup_that_goes_later_keeps_what_was_read(machine: Machine, fail: Fail, name: str) -> None:
    fail(name, errno.ENODEV, "read")
    cgroup = app(sampled(machine)).cgroup
    assert cgroup.current_bytes == 16 * MIB
    assert cgroup.absent["cgroup"].startswith("gone")


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
def test_an_unreadable_list_of_processes_is_a_problem(machine: Machine, fail: Fail, code: int) -> None:
    fail("cgroup.procs", code, "read")
    sample = sampled(machine)
    assert app(sample).cgroup.current_bytes == 16 * MIB
    assert app(sample).sums.listed == 0
    assert {problem.kind for problem in sample.problems} == {"container", "pod"}


def test_a_pod_that_is_not_here_is_not_found(machine: Machine) -> None:
    sample = sampled(machine, SampleRequest(pod_uids=["00000000-dead-beef-0000-000000000000", UID]))
    assert only_pod(sample).uid == UID
    (problem,) = sample.problems
    assert (problem.kind, problem.reason) == ("pod", "not-found")
    assert problem.name == "00000000-dead-beef-0000-000000000000"


def test_an_empty_list_of_pods_asks_for_none(machine: Machine) -> None:
    assert sampled(machine, SampleRequest(pod_uids=[])).pods == []


def test_page_tables_come_from_the_processes_where_the_kernel_does_not_itemise_them(machine: Machine) -> None:
    """Linux 5.10 has no pagetables in memory.stat."""
    assert app(sampled(machine)).sums.page_tables_bytes is None
    (machine.top / f"{POD}/{ID}/memory.stat".lstrip("/")).write_text("anon 4096\nfile 0\ninactive_file 0\n")
    assert app(sampled(machine)).sums.page_tables_bytes == 2 * 28 * 1024


@pytest.mark.parametrize(("objects", "is_asked"), [(2 * MIB, True), (2 * MIB - 1, False)])
def test_open_files_are_counted_where_the_kernel_keeps_much_for_files(
    machine: Machine, objects: int, *, is_asked: bool
) -> None:
    for pid in (11, 12):
        (machine.base / f"proc/{pid}/fd").mkdir()
    lines = f"anon 0\nfile 0\ninactive_file 0\nslab_reclaimable {2 * MIB}\nslab_unreclaimable {objects}\n"
    (machine.top / f"{POD}/{ID}/memory.stat".lstrip("/")).write_text(lines)
    assert (app(sampled(machine)).sums.descriptors is not None) == is_asked


def test_a_sum_of_page_tables_is_whole_or_unknown(machine: Machine) -> None:
    (machine.base / "proc/11/status").unlink()
    assert app(sampled(machine, SampleRequest(process_limit=1))).sums.page_tables_bytes is None


def test_a_budget_that_is_spent_ends_the_search_for_pods_and_says_where(machine: Machine) -> None:
    sample = sampled(machine, SampleRequest(time_budget_seconds=0.0))
    assert sample.pods == []
    (problem,) = sample.problems
    assert (problem.name, problem.reason) == ("/", "budget")


def test_the_ceiling_skips_a_large_process_with_its_rss(machine: Machine) -> None:
    machine.cgroup(f"{POD}/{ID}", (11, 30))
    machine.process(30, pid_stat(30, "huge", rss_pages=1 << 20))
    sums = app(sampled(machine, SampleRequest(process_ceiling_bytes=1 << 30))).sums
    (skipped,) = sums.skipped
    assert (skipped.pid, skipped.comm, skipped.reason) == (30, "huge", "ceiling")
    assert skipped.rss_bytes == (1 << 20) * os.sysconf("SC_PAGE_SIZE")


def test_beyond_a_hundred_skipped_processes_only_their_sum_is_kept(machine: Machine) -> None:
    pids = tuple(range(1000, 1130))
    machine.cgroup(f"{POD}/{ID}", pids)
    for pid in pids:
        machine.process(pid)
    sums = app(sampled(machine, SampleRequest(process_ceiling_bytes=1))).sums
    assert len(sums.skipped) == 100
    assert sums.skipped_unlisted == 31
    assert sums.skipped_unlisted_rss_bytes == 31 * 1024 * os.sysconf("SC_PAGE_SIZE")
    assert sums.listed == sums.read + len(sums.skipped) + sums.skipped_unlisted


def test_more_refusals_than_are_listed_are_reported_as_at_least(machine: Machine, fail: Fail) -> None:
    pids = tuple(range(1000, 1101))
    machine.cgroup(f"{POD}/{ID}", pids)
    for pid in pids:
        machine.process(pid)
    fail("smaps_rollup", errno.EACCES)
    details = [problem.detail for problem in sampled(machine).problems if ID in problem.name]
    assert details[0].startswith("at least 100 of its processes could not be read")


def test_without_sums_no_page_table_is_walked(machine: Machine, fail: Fail) -> None:
    fail("smaps_rollup", errno.EIO)
    sums = app(sampled(machine, SampleRequest(sums=False))).sums
    assert (sums.read, sums.pss_bytes) == (2, None)
    assert sums.rss_bytes == 2 * 1024 * os.sysconf("SC_PAGE_SIZE")


def test_the_largest_processes_are_described(machine: Machine) -> None:
    (machine.base / "proc/12/cmdline").write_bytes(b"/bin/app\0--password\0hunter2hunter2\0\x1b[2J\0")
    (machine.base / "proc/12/exe").symlink_to("/bin/app")
    (process,) = app(sampled(machine, SampleRequest(process_limit=1))).processes
    assert (process.pid, process.pss_bytes, process.exe) == (12, 8192 * 1024, "/bin/app")
    assert process.command == r"/bin/app --password *** \x1b[2J"
    assert process.page_tables_bytes == 28 * 1024
    assert "Shared_Hugetlb" in process.smaps_rollup


def test_whole_command_lines_need_the_agents_permission(machine: Machine) -> None:
    (machine.base / "proc/12/cmdline").write_bytes(b"x" * 2000)
    request = SampleRequest(process_limit=1, full_commands=True)
    refused = sample_node(request, machine.roots)
    assert len(app(refused).processes[0].command or "") == 512
    assert [problem.name for problem in refused.problems] == ["full_commands"]
    allowed = sample_node(request, machine.roots, allow_full_commands=True)
    assert app(allowed).processes[0].command == "x" * 2000
    assert allowed.problems == []


def test_units_outside_kubernetes_are_found_by_pattern(machine: Machine) -> None:
    machine.cgroup("/system.slice/nginx.service", (40,), current=7 * MIB)
    machine.cgroup(f"/system.slice/docker-{ID}.scope", (41,))
    machine.process(40)
    machine.process(41)
    sample = sampled(machine, SampleRequest(pod_uids=[], units=["ngin*", "docker-*", "absent*"]))
    assert {(pod.kind, pod.uid) for pod in sample.pods} == {("service", "nginx.service"), ("container", ID)}
    service = next(pod for pod in sample.pods if pod.kind == "service")
    assert service.cgroup.current_bytes == 7 * MIB
    assert [child.sums.read for child in service.containers] == [1]
    assert [problem.name for problem in sample.problems] == ["absent*"]


def test_a_machine_on_v1_is_one_sentence_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "unified").mkdir()
    with pytest.raises(UnsupportedError, match=r"cgroup v1 .*hybrid.*memcollect demo"):
        sample_node(SampleRequest(), Roots(cgroup=str(tmp_path)))


def test_a_v2_tree_without_the_memory_controller_is_one_sentence(machine: Machine) -> None:
    (machine.top / "cgroup.controllers").write_text("cpu pids\n")
    with pytest.raises(UnsupportedError, match="no memory controller"):
        sampled(machine)


def test_a_root_that_is_missing_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="No such file"):
        sample_node(SampleRequest(), Roots(proc=str(tmp_path / "nowhere")))


def test_links_in_the_tree_lead_nowhere(machine: Machine) -> None:
    (machine.top / "loop").symlink_to(machine.top)
    (machine.top / POD.lstrip("/") / "loop").symlink_to(machine.top)
    assert len(only_pod(sampled(machine)).containers) == 2


def test_a_sample_of_this_machines_processes_adds_up(machine: Machine) -> None:
    """The cgroup is on paper, the processes are this very test and its parents: two routes, one sum."""
    ours = psutil.Process()
    pids = [ours.pid, *(parent.pid for parent in ours.parents() if parent.pid > 1)]
    machine.cgroup(f"{POD}/{ID}", tuple(pids))
    (machine.top / f"{POD}/{ID}/inner/deeper/cgroup.procs".lstrip("/")).write_text("")
    roots = Roots(proc="/proc", cgroup=machine.roots.cgroup)
    (container,) = [
        child for child in sample_node(SampleRequest(), roots).pods[0].containers if child.id == ID
    ]
    expected = sum(psutil.Process(pid).memory_full_info().pss for pid in pids)
    assert container.sums.read == len(pids)
    assert container.sums.pss_bytes == pytest.approx(expected, rel=0.05, abs=MIB)


def test_every_sample_survives_the_wire(machine: Machine) -> None:
    machine.cgroup(f"{POD}/\udcff\udcfe")
    sample = sampled(machine, SampleRequest(process_limit=9, numa=True))
    for codec in (msgspec.json, msgspec.msgpack):
        assert codec.decode(codec.encode(sample), type=NodeSample) == sample


SLACK_BYTES = 64 << 12 << 4
"""The kernel folds what threads count apart into the peak late (mm counters, split RSS)."""


def test_the_cost_is_told(machine: Machine) -> None:
    cost = sampled(machine).cost
    assert cost is not None
    assert 0 < cost.cpu_seconds < 5
    assert cost.max_rss_bytes is not None
    assert cost.rss_bytes is not None
    assert 0 < cost.rss_bytes <= cost.max_rss_bytes + SLACK_BYTES
    assert (cost.descriptors or 0) > 0
    assert (cost.threads or 0) > 0


def test_problems_are_printable(machine: Machine) -> None:
    sample = sampled(machine, SampleRequest(pod_uids=["evil\x1b[2J\n"]))
    assert sample.problems == [
        Problem(
            kind="pod",
            name=r"evil\x1b[2J\n",
            reason="not-found",
            detail=sample.problems[0].detail,
        )
    ]
    assert sample.problems[0].detail.isprintable()


def test_the_cgroups_of_all_pods_are_read_when_asked_for_and_told_as_no_pod(machine: Machine) -> None:
    machine.cgroup("/kubepods", current=9 * MIB)
    machine.cgroup("/kubepods/podabc", current=5 * MIB)
    (machine.top / "kubepods" / "cgroup.stat").write_text("nr_descendants 3\nnr_dying_descendants 2\n")
    sample = sample_node(SampleRequest(pods_parents=True), machine.roots)
    (parent,) = sample.pods_parents or []
    assert (parent.path, parent.current_bytes) == ("/kubepods", 9 * MIB)
    assert parent.descendants == {"nr_descendants": 3, "nr_dying_descendants": 2}
    assert "abc" in {pod.uid for pod in sample.pods}
    assert sample_node(SampleRequest(), machine.roots).pods_parents is None


def test_keepers_are_looked_for_only_when_asked_for(machine: Machine) -> None:
    machine.process(77)
    (machine.base / "proc" / "77" / "comm").write_text("containerd-shim\n")
    command = f"containerd-shim-runc-v2\0-id\0{'a' * 64}\0"
    (machine.base / "proc" / "77" / "cmdline").write_text(command)
    (keeper,) = sample_node(SampleRequest(keeper_ids=["a" * 64]), machine.roots).keepers or []
    assert (keeper.kind, keeper.pid, keeper.sandbox_id) == ("shim", 77, "a" * 64)
    assert sample_node(SampleRequest(keeper_ids=["b" * 64]), machine.roots).keepers == []
    assert sample_node(SampleRequest(), machine.roots).keepers is None


def test_a_search_for_keepers_that_ran_out_of_time_is_a_problem_and_no_empty_list(machine: Machine) -> None:
    machine.process(77)
    sample = sample_node(SampleRequest(keeper_ids=["a" * 64], time_budget_seconds=0.0), machine.roots)
    assert sample.keepers is None
    assert ("keepers", "budget") in {(each.name, each.reason) for each in sample.problems}
