from pathlib import Path

import pytest

from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.sandbox.keepers import find_keepers
from memcollect_agent.wire import Hint
from worlds.agent_trees import Machine

ID, OTHER = "a1" * 32, "b2" * 32
SHORT = "c3" * 16
POD = "476ef1fb-90cb-446a-989f-e9a1ed217abf"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def add(machine: Machine, pid: int, *arguments: str, comm: str = "containerd-shim") -> Path:
    directory = machine.process(pid)
    (directory / "comm").write_text(f"{comm}\n")
    (directory / "cmdline").write_bytes(b"".join(each.encode() + b"\0" for each in arguments))
    return directory


def keepers(machine: Machine, *ids: str, late: bool = False) -> list[Hint] | None:
    with ProcFs(machine.roots.proc) as proc:
        return find_keepers(proc, ids, lambda: late)


@pytest.mark.parametrize(
    ("arguments", "kind", "program"),
    [
        (
            ("/usr/bin/containerd-shim-runc-v2", "-namespace", "k8s.io", "-id", ID),
            "shim",
            "containerd-shim-runc-v2",
        ),
        (("containerd-shim-runsc-v1", "-id", ID), "shim", "containerd-shim-runsc-v1"),
        (("/usr/bin/conmon", "-b", f"/run/{ID}/userdata", "-c", ID), "monitor", "conmon"),
        (("/usr/libexec/crio/conmonrs", "--runtime-dir", f"/run/{ID}"), "monitor", "conmonrs"),
        (("containerd-shim-kata-v2", "-id", ID), "kata-shim", "containerd-shim-kata-v2"),
        (("qemu-system-x86_64", "-name", f"sandbox-{ID},debug-threads=on"), "vmm", "qemu-system-x86_64"),
        (("virtiofsd", f"--socket-path=/run/vc/vm/{ID}/vhost-fs.sock"), "virtiofsd", "virtiofsd"),
    ],
)
def test_a_runtimes_program_is_found_by_the_id_on_its_command_line(
    machine: Machine, arguments: tuple[str, ...], kind: str, program: str
) -> None:
    add(machine, 10, *arguments)
    add(machine, 11, *(word.replace(ID, OTHER) for word in arguments))
    (found,) = keepers(machine, ID) or []
    assert (found.kind, found.pid, found.program, found.sandbox_id) == (kind, 10, program, ID)


def test_an_id_of_32_digits_is_found_and_a_part_of_a_longer_one_is_not(machine: Machine) -> None:
    add(machine, 10, "containerd-shim", "-id", SHORT)
    add(machine, 11, "containerd-shim", "-id", SHORT + SHORT)
    assert [each.pid for each in keepers(machine, SHORT) or []] == [10]


def test_a_person_who_inspects_a_container_keeps_none(machine: Machine) -> None:
    add(machine, 10, "crictl", "inspect", ID, comm="crictl")
    assert keepers(machine, ID) == []


def test_a_process_that_has_ended_or_is_refused_spoils_nothing(machine: Machine) -> None:
    (add(machine, 10, "containerd-shim", "-id", ID) / "cmdline").unlink()
    add(machine, 11, "containerd-shim", "-id", ID)
    assert [each.pid for each in keepers(machine, ID) or []] == [11]


def test_a_crafted_name_is_no_known_program(machine: Machine) -> None:
    add(machine, 10, f"/x/containerd-shim-{ID}\x1b[31m", "-id", ID)
    assert keepers(machine, ID) == []


@pytest.mark.parametrize(
    ("cgroup", "keeps"),
    [
        (f"/kubepods/burstable/pod{POD}/{OTHER}", False),
        (f"/kubepods.slice/kubepods-pod{POD.replace('-', '_')}.slice/cri-containerd-{OTHER}.scope", False),
        (f"/../../pod{POD}/{OTHER}", False),
        (f"/../kubepods-besteffort-pod{POD.replace('-', '_')}.slice", False),
        (f"/kubepods/burstable/pod{POD}/kata_{ID}", True),
        (f"/kubepods.slice/kubepods-pod{POD.replace('-', '_')}.slice/crio-conmon-{ID}.scope", True),
        ("/../../../system.slice/containerd.service", True),
    ],
)
def test_what_sits_in_the_cgroup_of_another_pod_keeps_nothing(
    machine: Machine,
    cgroup: str,
    keeps: bool,  # noqa: FBT001 - a column of the table
) -> None:
    process = add(machine, 10, "/usr/bin/containerd-shim-runc-v2", "-id", ID)
    (process / "cgroup").write_text(f"0::{cgroup}\n")
    assert bool(keepers(machine, ID)) == keeps


def test_a_program_that_only_calls_itself_a_shim_keeps_nothing(machine: Machine) -> None:
    (add(machine, 10, "containerd-shim-runc-v2", "-id", ID) / "exe").symlink_to("/usr/bin/sleep")
    assert keepers(machine, ID) == []


def test_out_of_time_is_not_an_empty_list(machine: Machine) -> None:
    add(machine, 10, "containerd-shim", "-id", ID)
    assert keepers(machine, ID, late=True) is None


def test_no_ids_ask_for_no_process(machine: Machine) -> None:
    add(machine, 10, "containerd-shim", "-id", ID)
    assert keepers(machine, late=True) == []
