from pathlib import Path

import pytest

from memcollect_agent.read import files
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.sandbox.hints import MOST_LOOKED_AT, MOST_MAPPED, find_hints, looks_ordinary
from memcollect_agent.wire import Cgroup, Container, Hint, ProcessSums
from worlds.agent_trees import MIB, Machine, pid_stat

MEMFD = """\
7f0000000000-7f0003000000 rw-s 00000000 00:01 2057                       /memfd:runsc-memory (deleted)
Rss:               49152 kB
Pss:               24576 kB
Anonymous:             0 kB
"""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def add(machine: Machine, pid: int, *arguments: str, ppid: int = 1, smaps: str = MEMFD) -> None:
    directory = machine.process(pid, pid_stat(pid, "exe", ppid=ppid))
    (directory / "comm").write_text("exe\n")
    (directory / "cmdline").write_bytes(b"".join(each.encode() + b"\0" for each in arguments))
    (directory / "smaps").write_text(smaps)
    (directory / "status").write_text("Name:\texe\nState:\tS (sleeping)\nVmRSS:\t   49152 kB\n")


def hints(machine: Machine, *pids: int, late: bool = False, ceiling: int = 1 << 40) -> list[Hint]:
    with ProcFs(machine.roots.proc) as proc:
        return find_hints(proc, pids, lambda: late, ceiling)


def child(role: str, processes: int) -> Container:
    return Container(role=role, cgroup=Cgroup(path="/"), sums=ProcessSums(listed=processes))


def test_a_sentry_its_gofer_and_its_stubs_are_told_apart(machine: Machine) -> None:
    add(machine, 10, "runsc-gofer", "gofer")
    add(machine, 11, "runsc-sandbox", "boot")
    add(machine, 12, "runsc-sandbox", "boot", ppid=11)
    add(machine, 13, "runsc-sandbox", "boot", ppid=12)
    add(machine, 14, "sleep", "infinity")
    found = hints(machine, 10, 11, 12, 13, 14)
    assert [each.kind for each in found] == ["gofer", "sentry", "sentry-stub", "sentry-stub"]
    assert [bool(each.regions) for each in found] == [False, True, True, True]
    assert (found[1].rss_bytes, found[1].pss_bytes) == (48 * MIB, 24 * MIB)


def test_mappings_that_were_not_read_leave_a_reason_and_no_zero(machine: Machine) -> None:
    add(machine, 10, "firecracker", "--id", "vm-1")
    for found in (hints(machine, 10, late=True), hints(machine, 10, ceiling=MIB)):
        assert found[0].regions == []
        assert found[0].rss_bytes is None
        assert found[0].regions_missing
        assert found[0].sandbox_id == "vm-1"


def test_of_more_mappings_than_are_read_no_sum_is_told(machine: Machine) -> None:
    address = MEMFD.partition(" ")[0]
    many = [
        MEMFD.replace(address, f"{start:012x}-{start + (48 << 20):012x}")
        for start in range(1 << 40, (1 << 40) + (48 << 20) * 20_000, 48 << 20)
    ]
    add(machine, 10, "firecracker", smaps="".join(many))
    (found,) = hints(machine, 10)
    assert found.regions
    assert (found.rss_bytes, found.pss_bytes) == (None, None)
    assert "more mappings than 2 MiB of smaps describe" in found.regions_missing


def test_smaps_of_no_shape_is_a_reason(machine: Machine) -> None:
    add(machine, 10, "firecracker", smaps="nonsense\n")
    assert "could not be read" in hints(machine, 10)[0].regions_missing


def test_a_herd_of_stubs_is_not_mapped_one_by_one(machine: Machine) -> None:
    add(machine, 100, "runsc-sandbox")
    for pid in range(101, 140):
        add(machine, pid, "runsc-sandbox", ppid=100)
    found = hints(machine, *range(100, 140))
    assert len(found) == MOST_LOOKED_AT
    assert sum(bool(each.regions) for each in found) == MOST_MAPPED


@pytest.mark.parametrize(
    ("program", "kinds", "read"),
    [
        ("/usr/bin/sleep", [], {"exe"}),
        ("/usr/bin/runsc", ["sentry"], {"exe", "cmdline", "comm", "stat", "status", "smaps"}),
    ],
)
def test_of_a_program_that_is_no_runtimes_nothing_but_its_path_is_read(
    machine: Machine, program: str, kinds: list[str], read: set[str]
) -> None:
    add(machine, 10, "runsc-sandbox", "boot")
    Path(machine.roots.proc, "10", "exe").symlink_to(program)
    seen: set[str] = set()
    with files.witnessed(lambda path, _data: seen.add(path.rsplit("/", 1)[-1])):
        found = hints(machine, 10)
    assert [each.kind for each in found] == kinds
    assert seen == read


def test_a_process_that_is_gone_is_none(machine: Machine) -> None:
    assert hints(machine, 4711) == []


def test_an_ordinary_pod_is_told_by_its_cgroups_alone() -> None:
    assert looks_ordinary([child("pause", 1), child("container", 3)], 0)
    assert looks_ordinary([child("pause", 1), child("container", 3), child("conmon", 1)], 0)


@pytest.mark.parametrize(
    ("containers", "own"),
    [
        ([child("pause", 1), child("container", 3)], 1),
        ([child("container", 5), child("container", 0)], 0),
        ([child("sandbox", 5)], 0),
        ([child("container", 5)], 0),
        ([child("unknown", 2), child("container", 1)], 0),
        ([], 0),
    ],
)
def test_any_other_is_looked_into(containers: list[Container], own: int) -> None:
    assert not looks_ordinary(containers, own)
