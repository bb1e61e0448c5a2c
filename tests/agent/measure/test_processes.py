from pathlib import Path

import pytest

from memcollect_agent.measure import processes
from memcollect_agent.measure.processes import Budget, Processes, Wanted
from memcollect_agent.read.procfs import ProcessDir, ProcFs
from memcollect_agent.wire import LargestProcess, ProcessSums
from worlds.agent_trees import Machine, pid_stat, smaps


class SpentBudget(Budget):
    """A budget that is used up, though not twice."""

    def spent(self, times: float = 1.0) -> bool:
        return times <= 1.0


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    for pid, size in ((1, 100), (2, 300), (3, 200)):
        machine.process(pid, pid_stat(pid, f"p{pid}", start=pid), smaps(size))
    return machine


def sums(machine: Machine, pids: list[int], *, budget: Budget | None = None) -> ProcessSums:
    with ProcFs(machine.roots.proc) as proc:
        reader = Processes(proc, Wanted(), budget or Budget(60), 0.0)
        return reader.read(dict.fromkeys(pids), set()).sums()


def test_fields_are_summed_over_the_processes_that_were_read(machine: Machine) -> None:
    result = sums(machine, [1, 2, 3])
    assert (result.pss_bytes, result.swap_bytes, result.hugetlb_bytes) == (600 * 1024, 3 * 4096, 0)
    assert (result.threads, result.anon_huge_bytes) == (3, 0)
    assert result.read_from is not None
    assert result.read_until is not None
    assert result.read_from <= result.read_until


def test_the_process_with_the_most_private_memory_is_told(machine: Machine) -> None:
    for pid, anon in ((1, 70), (2, 20), (3, 30)):
        rollup = machine.base / f"proc/{pid}/smaps_rollup"
        lines = [line for line in rollup.read_text().splitlines() if not line.startswith("Pss_Anon")]
        rollup.write_text("\n".join([*lines, f"Pss_Anon:  {anon} kB", ""]))
    result = sums(machine, [1, 2, 3])
    assert result.largest == LargestProcess(pid=1, comm="p1", pss_anon_bytes=70 << 10)
    assert sums(machine, []).largest is None


def opened(machine: Machine, *files: int) -> int | None:
    """Return the sum over three processes of which the first have so many files open."""
    for pid, count in enumerate(files, start=1):
        directory = machine.base / f"proc/{pid}/fd"
        directory.mkdir()
        for number in range(count):
            (directory / str(number)).touch()
    with ProcFs(machine.roots.proc) as proc:
        reader = Processes(proc, Wanted(descriptors=True), Budget(60), 0.0)
        return reader.read(dict.fromkeys(range(1, 4)), set()).sums().descriptors


def test_open_files_are_summed_where_that_is_asked_for(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProcessDir, "descriptors", ProcessDir._listed_descriptors)
    assert opened(machine, 5, 0, 2) == 7
    assert sums(machine, [1, 2, 3]).descriptors is None


def test_open_files_of_a_part_of_the_processes_are_no_sum(machine: Machine) -> None:
    assert opened(machine, 5, 2) is None


def test_more_names_of_open_files_than_may_be_listed_for_all_processes_together_are_no_sum(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProcessDir, "descriptors", ProcessDir._listed_descriptors)
    monkeypatch.setattr(processes, "MOST_NAMES", 6)
    assert opened(machine, 4, 2, 1) is None


def test_no_process_is_no_sum_rather_than_zero(machine: Machine) -> None:
    result = sums(machine, [])
    assert (result.listed, result.pss_bytes, result.threads, result.read_from) == (0, None, None, None)


def test_a_field_that_one_process_lacks_is_no_sum(machine: Machine) -> None:
    rollup = machine.base / "proc/2/smaps_rollup"
    lines = [line for line in rollup.read_text().splitlines() if not line.startswith("LazyFree")]
    rollup.write_text("\n".join([*lines, ""]))
    result = sums(machine, [1, 2, 3])
    assert (result.lazyfree_bytes, result.pss_bytes) == (None, 600 * 1024)


def test_a_spent_budget_still_tells_how_large_the_rest_is(machine: Machine) -> None:
    result = sums(machine, [1, 2], budget=SpentBudget(3))
    assert (result.read, result.pss_bytes) == (0, None)
    assert [(process.comm, process.reason) for process in result.skipped] == [
        ("p1", "budget"),
        ("p2", "budget"),
    ]
    assert all(process.rss_bytes for process in result.skipped)
    assert "3 s" in result.skipped[0].detail


def test_a_budget_spent_twice_reads_nothing_more(machine: Machine) -> None:
    result = sums(machine, [1], budget=Budget(0))
    assert [(process.reason, process.rss_bytes) for process in result.skipped] == [("budget", None)]


def test_every_listed_process_is_accounted_for(machine: Machine) -> None:
    machine.process(4, pid_stat(4, state="Z"))
    machine.process(5, pid_stat(5, flags=0x00200000))
    machine.process(6, None, "garbage\n")
    result = sums(machine, [0, 1, 2, 3, 4, 5, 6, 99])
    parts = result.read + result.vanished + result.kernel_threads + result.zombies + len(result.skipped)
    assert parts == result.listed == 8
    assert [process.pid for process in result.skipped] == [0, 6]
    assert "hostPID" in result.skipped[0].detail


def test_a_reused_pid_is_another_process(machine: Machine) -> None:
    with ProcFs(machine.roots.proc) as proc:
        reader = Processes(proc, Wanted(), Budget(60), 0.0)
        seen = {(1, 77), (2, 2)}
        result = reader.read({1: None, 2: None}, seen).sums()
    assert (result.listed, result.read) == (1, 1)


def test_only_the_largest_are_kept_in_order(machine: Machine) -> None:
    with ProcFs(machine.roots.proc) as proc:
        reader = Processes(proc, Wanted(limit=2), Budget(60), 1000.0)
        described = reader.describe(reader.read({1: None, 2: "/x", 3: None}, set()))
    assert [(process.pid, process.start_time, process.cgroup) for process in described] == [
        (2, 1000.02, "/x"),
        (3, 1000.03, None),
    ]


def test_a_process_replaced_before_its_texts_were_read_gets_none_of_the_others(machine: Machine) -> None:
    with ProcFs(machine.roots.proc) as proc:
        reader = Processes(proc, Wanted(limit=1), Budget(60), 0.0)
        tally = reader.read({1: None}, set())
        (machine.base / "proc/1/stat").write_text(pid_stat(1, "other", start=500))
        (described,) = reader.describe(tally)
    assert (described.comm, described.command) == ("p1", None)
