"""The agent's whole answer for sandbox runtimes: roles, hints, cgroups beside the pod, and no pod at all."""

import errno
from pathlib import Path

import pytest

from memcollect_agent.measure.sample import sample_node
from memcollect_agent.wire import NodeSample, Pod, SampleRequest
from worlds.agent_faults import Fail
from worlds.agent_trees import MIB, Machine, pid_stat, smaps

UID = "476ef1fb-90cb-446a-989f-e9a1ed217abf"
POD = f"/kubepods/burstable/pod{UID}"
APP, SANDBOX = "c7" * 32, "d8" * 32
EVERYTHING = SampleRequest(sandboxes=True)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.cgroup(POD, current=60 * MIB)
    return machine


def add(machine: Machine, pid: int, *arguments: str) -> None:
    directory = machine.process(pid, pid_stat(pid, arguments[0]), smaps(4096))
    (directory / "comm").write_text(f"{arguments[0][:15]}\n")
    (directory / "cmdline").write_bytes(b"".join(each.encode() + b"\0" for each in arguments))
    (directory / "smaps").write_text(
        "7f0000000000-7f0003000000 rw-p 0 00:00 0 \nRss: 4096 kB\nPss: 4096 kB\n"
    )


def sampled(machine: Machine, request: SampleRequest | None = None) -> NodeSample:
    return sample_node(request or SampleRequest(), machine.roots)


def roles(pod: Pod) -> dict[str | None, str]:
    return {each.id: each.role for each in pod.containers}


def test_a_sentry_beside_empty_containers_makes_its_scope_the_sandboxs(machine: Machine) -> None:
    machine.cgroup(f"{POD}/{SANDBOX}", (10,), current=50 * MIB)
    machine.cgroup(f"{POD}/{APP}", ())
    add(machine, 10, "runsc-sandbox", "boot")
    (pod,) = sampled(machine).pods
    assert roles(pod) == {SANDBOX: "sandbox", APP: "container"}
    (scope,) = [each for each in pod.containers if each.id == SANDBOX]
    assert [hint.kind for hint in scope.hints] == ["sentry"]


def test_a_sentry_in_the_pods_own_cgroup_is_named_there(machine: Machine) -> None:
    """The cgroupfs driver puts it there."""
    (machine.top / POD[1:] / "cgroup.procs").write_text("10\n")
    machine.cgroup(f"{POD}/{SANDBOX}", ())
    machine.cgroup(f"{POD}/{APP}", ())
    add(machine, 10, "runsc-sandbox", "boot")
    (pod,) = sampled(machine).pods
    assert [hint.kind for hint in pod.own_hints] == ["sentry"]
    assert set(roles(pod).values()) == {"container"}


def test_a_list_of_processes_that_cannot_be_read_is_told_once_where_a_sandbox_is_looked_for(
    machine: Machine, fail: Fail
) -> None:
    machine.cgroup(f"{POD}/{SANDBOX}", ())
    fail("cgroup.procs", errno.EIO)
    problems = [(each.kind, each.name) for each in sampled(machine).problems]
    assert problems == [("container", f"{POD}/{SANDBOX}"), ("pod", POD)]


def test_katas_own_cgroup_is_told_by_its_name(machine: Machine) -> None:
    machine.cgroup(f"{POD}/kata_{SANDBOX}", (10,), current=50 * MIB)
    add(machine, 10, "qemu-system-x86_64", "-name", f"sandbox-{SANDBOX}")
    (pod,) = sampled(machine).pods
    assert roles(pod) == {SANDBOX: "sandbox"}
    assert pod.containers[0].hints[0].sandbox_id == SANDBOX


def test_a_vmm_that_is_an_ordinary_containers_app_leaves_it_one(machine: Machine) -> None:
    """KubeVirt: the pause container runs beside it, and no shim with it."""
    machine.cgroup(f"{POD}/{SANDBOX}", (9,), current=MIB // 4)
    machine.cgroup(f"{POD}/{APP}", (10,), current=50 * MIB)
    machine.process(9, pid_stat(9, "pause"), smaps(200))
    add(machine, 10, "qemu-kvm")
    (pod,) = sampled(machine).pods
    assert roles(pod) == {SANDBOX: "pause", APP: "container"}


OVERHEADS = (
    f"/kata_overhead/{SANDBOX}",
    f"/kata_overhead{POD}/{SANDBOX}",
    f"/kata.slice/kata-overhead.slice/runtime-rs-{SANDBOX}.scope",
)
"""Of the Go runtime, of the Rust one with the cgroupfs driver, and with systemd's."""


@pytest.mark.parametrize("overhead", OVERHEADS)
def test_an_overhead_cgroup_goes_with_the_pod_of_its_sandbox_id_and_is_told_once(
    machine: Machine, overhead: str
) -> None:
    machine.cgroup(f"{POD}/{SANDBOX}", (9,), current=MIB // 4)
    machine.cgroup(f"{POD}/{APP}", ())
    machine.cgroup(overhead, (10,), current=90 * MIB)
    machine.process(9, pid_stat(9, "pause"), smaps(200))
    add(machine, 10, "qemu-system-x86_64")
    for request in (SampleRequest(), EVERYTHING):
        (pod,) = sampled(machine, request).pods
        (outside,) = pod.outside
        assert (outside.role, outside.id) == ("overhead", SANDBOX)
        assert outside.cgroup.current_bytes == 90 * MIB
        assert [hint.kind for hint in outside.hints] == ["vmm"]


def slice_of(uid: str) -> str:
    return f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{uid.replace('-', '_')}.slice"


OTHER = "5d6b2c1a-90cb-446a-989f-e9a1ed217abf"


def two_pods_of_the_go_runtime_under_systemd(machine: Machine) -> None:
    """The sandbox's cgroup is then a directory of the root called SLICE:PREFIX:ID (Kata 2.3 to 4.1)."""
    for uid, id_, vmm, shim, size in ((UID, SANDBOX, 10, 11, 90), (OTHER, APP, 20, 21, 50)):
        of_pod = slice_of(uid)
        machine.cgroup(of_pod, current=0)
        machine.cgroup(f"/{of_pod.rsplit('/', 1)[-1]}:cri-containerd:{id_}", (vmm,), current=size * MIB)
        machine.cgroup(f"/kata_overhead/{id_}", (shim,), current=size * MIB // 10)
        add(machine, vmm, "qemu-system-x86_64", "-name", f"sandbox-{id_}")
        add(machine, shim, "containerd-shim-kata-v2", "-id", id_)


def test_an_overhead_cgroup_goes_with_the_pod_whose_uid_stands_beside_the_sandboxs_id(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path)
    two_pods_of_the_go_runtime_under_systemd(machine)
    for request in (SampleRequest(), EVERYTHING):
        sample = sampled(machine, request)
        assert [each.kind for each in sample.pods] == ["pod", "pod"]
        found = {
            pod.uid: [(each.id, each.cgroup.current_bytes) for each in pod.outside] for pod in sample.pods
        }
        assert found == {UID: [(SANDBOX, 9 * MIB)], OTHER: [(APP, 5 * MIB)]}
        assert {each.pod_uid: each.id for each in sample.strays} == {UID: SANDBOX, OTHER: APP}


def test_what_is_anothers_stays_anothers_where_one_pod_alone_is_asked_for(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    two_pods_of_the_go_runtime_under_systemd(machine)
    sample = sampled(machine, SampleRequest(sandboxes=True, pod_uids=[UID]))
    assert [(each.kind, [o.id for o in each.outside]) for each in sample.pods] == [("pod", [SANDBOX])]
    assert [each.id for each in sample.strays] == [SANDBOX]


def test_two_cgroups_beside_a_pod_that_bear_one_id_are_both_its(machine: Machine) -> None:
    machine.cgroup(f"{POD}/kata_{SANDBOX}", ())
    for overhead in OVERHEADS:
        machine.cgroup(overhead, (), current=30 * MIB)
    (pod,) = sampled(machine, EVERYTHING).pods
    assert {each.cgroup.path for each in pod.outside} == set(OVERHEADS)


def test_an_overhead_cgroup_that_no_pod_claims_is_a_sandbox_of_its_own(machine: Machine) -> None:
    machine.cgroup(f"/kata_overhead/{SANDBOX}", (10,), current=90 * MIB)
    add(machine, 10, "qemu-system-x86_64")
    assert [each.kind for each in sampled(machine).pods] == ["pod"]
    assert [each.kind for each in sampled(machine, EVERYTHING).pods] == ["pod", "sandbox"]


def test_an_overhead_cgroup_of_a_pod_that_was_not_asked_for_is_no_sandbox_of_its_own(
    machine: Machine,
) -> None:
    machine.cgroup(f"{POD}/kata_{SANDBOX}", ())
    machine.cgroup(f"/kata_overhead/{SANDBOX}", (10,), current=90 * MIB)
    add(machine, 10, "qemu-system-x86_64")
    assert sampled(machine, SampleRequest(sandboxes=True, pod_uids=[])).pods == []


@pytest.mark.parametrize("path", ["/e2b/sbx", "/cube_sandbox_1/sandbox/sbx", "/my/parent/sbx"])
def test_a_sandbox_without_a_pod_is_found_by_shape_or_by_its_vmm(machine: Machine, path: str) -> None:
    machine.cgroup(path, (10,), current=30 * MIB)
    machine.cgroup("/user.slice/x", (11,))
    add(machine, 10, "firecracker", "--id", "sbx")
    add(machine, 11, "bash")
    assert [each.kind for each in sampled(machine).pods] == ["pod"]
    sandboxes = [each for each in sampled(machine, EVERYTHING).pods if each.kind == "sandbox"]
    assert [(each.name, each.uid, each.cgroup.current_bytes) for each in sandboxes] == [
        ("sbx", path, 30 * MIB)
    ]
    assert [hint.kind for hint in sandboxes[0].containers[0].hints] == ["vmm"]


def test_a_sentry_in_dockers_container_is_known_and_a_vmm_there_is_that_containers_own(
    tmp_path: Path,
) -> None:
    machine = Machine(tmp_path)
    machine.cgroup(f"/system.slice/docker-{APP}.scope", (10,))
    machine.cgroup(f"/system.slice/docker-{SANDBOX}.scope", (11,))
    add(machine, 10, "runsc-sandbox", "boot")
    add(machine, 11, "qemu-kvm")
    found = {pod.uid: pod for pod in sampled(machine, SampleRequest(units=["*"])).pods}
    assert [hint.kind for hint in found[APP].containers[0].hints] == ["sentry"]
    assert found[SANDBOX].containers[0].hints == []
