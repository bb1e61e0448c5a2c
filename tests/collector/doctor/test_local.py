import os
import subprocess
from pathlib import Path

import pytest

from memcollect.doctor.checks import LOCAL
from memcollect.doctor.engine import judged
from memcollect.doctor.local import local_facts
from memcollect.doctor.result import Result
from worlds import agent_trees, children, local_tree
from worlds.agent_faults import Fail, fail

__all__ = ["fail"]


def lines(root: Path, user_id: int | None = None) -> dict[str, Result]:
    facts = local_facts(str(root / "cgroup"), str(root / "proc"), user_id)
    return {result.check: result for result in judged(facts, LOCAL)}


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A cgroup v2 machine whose processes belong to whoever runs the tests."""
    local_tree.make_machine(tmp_path / "machine")
    root = tmp_path / "machine"
    (root / "proc" / "swaps").write_text("Filename\tType\tSize\tUsed\tPriority\n")
    (root / "proc" / "version").write_text("Linux version 6.12.1 (x) #1 SMP\n")
    service = root / "cgroup" / "system.slice"
    for name in ("memory.stat", "memory.current"):
        (service / name).write_text((root / "cgroup" / local_tree.POD_PATH / name).read_text())
    (service / "memory.pressure").write_text(
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
    )
    return root


def test_a_machine_that_can_be_measured_is_all_ok(machine: Path) -> None:
    found = lines(machine, user_id=os.geteuid() + 1)
    assert {name: line.status for name, line in found.items()} == dict.fromkeys(found, "ok")
    assert found["processes"].sentence == "Other users' processes can be read (1 of 1 tried)."


def test_a_recorded_node_is_ok() -> None:
    roots = agent_trees.recorded("systemd-kernel-7.2")
    facts = local_facts(roots.cgroup, roots.proc, os.geteuid() + 1)
    found = {result.check: result for result in judged(facts, LOCAL)}
    assert found["cgroup-version"].status == "ok"
    assert facts.tried is not None
    assert facts.tried.read > 0


@pytest.mark.parametrize(("trees", "version"), [(["memory"], "v1"), (["memory", "unified"], "hybrid")])
def test_cgroup_v1_fails_with_the_way_out_and_skips_what_needs_v2(
    tmp_path: Path, trees: list[str], version: str
) -> None:
    for tree in trees:
        (tmp_path / "cgroup" / tree).mkdir(parents=True)
    found = lines(tmp_path)
    assert found["cgroup-version"].status == "fail"
    assert f"is {version}" in found["cgroup-version"].sentence
    assert found["cgroup-version"].commands[-1] == "memcollect demo"
    assert {found[name].because for name in ("memory-stat", "pressure")} == {"cgroup-version"}


def test_no_cgroup_tree_and_no_proc_are_failures_not_crashes(tmp_path: Path) -> None:
    found = lines(tmp_path)
    assert (found["cgroup-version"].status, found["processes"].status) == ("fail", "fail")
    assert found["swap"].status == "warn"


@pytest.mark.parametrize(("user_id", "told"), [(12345, "Run as root:"), (0, "Root lacks CAP_SYS_PTRACE")])
def test_processes_that_may_not_be_read_fail_with_what_is_lacking(
    machine: Path, fail: Fail, user_id: int, told: str
) -> None:
    fail("smaps_rollup", 13)
    (machine / "proc" / str(local_tree.PID)).touch()
    facts = local_facts(str(machine / "cgroup"), str(machine / "proc"), 12345)
    facts = type(facts)(
        **{name: getattr(facts, name) for name in facts.__struct_fields__} | {"user_id": user_id}
    )
    line = next(result for result in judged(facts, LOCAL) if result.check == "processes")
    assert line.status == "fail"
    assert "1 of 1 processes of other users may not be read" in line.sentence
    assert line.remedy.startswith(told)


def test_swap_without_accounting_is_a_warning(machine: Path) -> None:
    swaps = "Filename\tType\tSize\tUsed\tPriority\n/dev/sda2 partition 131068 49152 -2\n"
    (machine / "proc" / "swaps").write_text(swaps)
    assert lines(machine)["swap"].status == "warn"
    assert "swapaccount=1" in lines(machine)["swap"].remedy
    (machine / "cgroup" / "system.slice" / "memory.swap.current").write_text("0\n")
    assert lines(machine)["swap"].status == "ok"


def test_a_kernel_without_pressure_or_kernel_sums_is_a_warning(machine: Path) -> None:
    directory = machine / "cgroup" / "system.slice"
    (directory / "memory.pressure").unlink()
    (directory / "memory.stat").write_text("anon 1\nfile 0\n")
    found = lines(machine)
    assert (found["pressure"].status, found["memory-stat"].status) == ("warn", "warn")
    assert "psi=1" in found["pressure"].remedy


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_a_real_process_of_another_user_is_tried() -> None:
    with children.Child(["cat"], stdin=subprocess.PIPE, user=65534) as process:
        facts = local_facts()
        process.communicate()
    assert facts.tried is not None
    assert facts.tried.read + facts.tried.denied > 0
