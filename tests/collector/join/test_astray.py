"""Sandboxes of Kata's Go runtime under systemd: from the node's tree to the pod's bill."""

from pathlib import Path

import msgspec
import pytest

from memcollect.documents.snapshot import Pod
from memcollect.explain import explain_pod
from memcollect.join import ClusterFacts, join_node
from memcollect.join.astray import with_sandboxes
from memcollect.kubernetes.usage import Metrics
from memcollect_agent.measure.sample import sample_node
from memcollect_agent.wire import Container, Hint, SampleRequest
from worlds.agent_trees import MIB, Machine, pid_stat, smaps
from worlds.join_builders import NODE, UID, Described, measured, measured_pod, pod

OTHER = "00000000-0000-4000-8000-000000000001"
SANDBOX, OTHERS, APP = "d8" * 32, "e9" * 32, "c7" * 32
RAM = """\
7f0000000000-7f0010000000 rw-s 00000000 00:01 2057                       /memfd:kata-ram (deleted)
Rss:              204800 kB
Pss:              204800 kB
Anonymous:             0 kB
"""


def slice_of(uid: str) -> str:
    return f"kubepods-burstable-pod{uid.replace('-', '_')}.slice"


def add(machine: Machine, pid: int, mappings: str, *arguments: str) -> None:
    directory = machine.process(pid, pid_stat(pid, arguments[0][:15]), smaps(4096))
    (directory / "cmdline").write_bytes(b"".join(each.encode() + b"\0" for each in arguments))
    (directory / "comm").write_text(f"{arguments[0][:15]}\n")
    (directory / "smaps").write_text(mappings)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a node of two such pods: 150 MiB of RAM charged after the move, 50 MiB before."""
    machine = Machine(tmp_path)
    for uid, id_, pid in ((UID, SANDBOX, 10), (OTHER, OTHERS, 20)):
        machine.cgroup(f"/kubepods.slice/kubepods-burstable.slice/{slice_of(uid)}", current=0)
        in_root = f"/{slice_of(uid)}:cri-containerd:{id_}"
        machine.cgroup(in_root, (pid,), current=160 * MIB, anon=10 * MIB, file=150 * MIB, shmem=150 * MIB)
        overhead = f"/kata_overhead/{id_}"
        machine.cgroup(overhead, (pid + 1,), current=80 * MIB, anon=30 * MIB, file=50 * MIB, shmem=50 * MIB)
        add(machine, pid, RAM, "qemu-system-x86_64", "-name", f"sandbox-{id_}")
        add(machine, pid + 1, "", "containerd-shim-kata-v2", "-id", id_)
    return machine


def explained(machine: Machine, runtime_class: str | None, *uids: str) -> list[Pod]:
    sample = sample_node(SampleRequest(pod_uids=list(uids), container_ids=[APP]), machine.roots)
    pods = [pod([Described("app", APP)], uid=uid, name=uid, runtime_class=runtime_class) for uid in uids]
    facts = ClusterFacts(metrics=Metrics(), handlers={"kata": "kata"})
    return [explain_pod(row, sample.node) for row in join_node(NODE, pods, sample, facts).pods]


@pytest.mark.parametrize("uids", [(UID,), (UID, OTHER)])
def test_both_cgroups_of_a_sandbox_are_its_pods_and_nobody_elses(
    machine: Machine, uids: tuple[str, ...]
) -> None:
    for row, id_ in zip(explained(machine, "kata", *uids), (SANDBOX, OTHERS), strict=False):
        assert {each.id for each in row.outside} == {id_}
        assert [each.cgroup.current_bytes for each in row.outside if each.cgroup] == [160 * MIB, 80 * MIB]
        assert (row.runtime.family, row.runtime.confidence) == ("kata", "measured")
        assert "200 MiB (between 150 MiB and 200 MiB) of 240 MiB charged for this Kata sandbox" in row.verdict
        (outside,) = [each for each in row.findings if each.cause == "outside_pod"]
        assert outside.sentence.startswith("240 MiB of its bill is charged outside of the pod's own cgroup")
        assert outside.sentence.endswith("bear the pod's UID and sandbox id.")
        assert not [each for each in row.findings if each.cause in {"elsewhere", "unknown_container"}]


def test_a_sandboxs_cgroup_that_its_vmm_did_not_come_into_is_no_container_elsewhere(machine: Machine) -> None:
    """The Rust runtime up to 3.19, which cannot move its vCPUs on cgroup v2."""
    place = machine.top / f"{slice_of(UID)}:cri-containerd:{SANDBOX}" / "cgroup.procs"
    place.write_text("")
    (machine.top / f"kata_overhead/{SANDBOX}/cgroup.procs").write_text("10\n11\n")
    (row,) = explained(machine, "kata", UID)
    assert [each.role for each in row.outside] == ["overhead", "overhead"]
    assert not [each for each in row.findings if each.cause in {"elsewhere", "unknown_container"}]
    assert "of 240 MiB charged for this Kata sandbox is its guest's memory" in row.verdict


def test_a_default_runtime_is_known_by_what_stands_outside_of_the_pod(machine: Machine) -> None:
    """Where the pod names no RuntimeClass its containers are not missing: they run in the guest."""
    (row,) = explained(machine, None, UID)
    assert row.runtime.family == "kata"
    (app,) = [each for each in row.containers if each.name == "app"]
    assert "inside the virtual machine" in app.inside


def stray(id_: str, kind: str, uid: str | None = UID) -> Container:
    hint = Hint(kind=kind, pid=7, program=kind, by="exe")
    return msgspec.structs.replace(measured(id_), hints=[hint], pod_uid=uid)


@pytest.mark.parametrize(
    ("each", "known"),
    [
        (stray(SANDBOX, "vmm"), [SANDBOX]),
        (stray(SANDBOX, "virtiofsd"), []),
        (stray(SANDBOX, "vmm", uid=None), []),
    ],
)
def test_a_container_outside_of_its_pod_stays_one(each: Container, known: list[str]) -> None:
    """KubeVirt's VMM is the application of a container that Kubernetes knows."""
    found = measured_pod(measured("a"))
    assert with_sandboxes(found, [each], known) == (found, [each])
