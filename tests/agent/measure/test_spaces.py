import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect_agent.measure.processes import Budget, Processes, Tally, Wanted
from memcollect_agent.measure.spaces import Reading, find_sharing
from memcollect_agent.read.kcmp import compare_spaces
from memcollect_agent.read.procfs import ProcFs
from worlds.agent_trees import Machine, pid_stat, smaps
from worlds.children import Child

HOLDER = """
import ctypes, mmap, os, time
memory = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.write(b"x" * (64 << 20))
libc = ctypes.CDLL(None)
stack = ctypes.create_string_buffer(1 << 16)
if FLAGS:
    # No Python may run in it: its thread state, like all else, is its parent's.
    libc.clone(libc.pause, ctypes.c_void_p((ctypes.addressof(stack) + (1 << 16)) & ~15), FLAGS, None)
elif os.fork() == 0:
    time.sleep(600)
print("ready", flush=True)
time.sleep(600)
"""
CLONE_VM = 0x100


def reading(pid: int, layout: bytes = b"a", pss: int = 4, *, copies: bool = False) -> Reading:
    return Reading(pid, layout, copies, {"Pss": pss})


def by_space(spaces: dict[int, int]) -> Callable[[int, int], int]:
    return lambda one, other: (spaces[one] > spaces[other]) - (spaces[one] < spaces[other])


def test_the_kernel_says_who_shares_even_where_the_numbers_moved_between_two_reads() -> None:
    found = find_sharing(
        [reading(1, pss=4), reading(2, pss=5), reading(3)], by_space({1: 7, 2: 7, 3: 8}), bool
    )
    assert (found.with_pid, found.by, found.alike) == ({2: 1}, "kcmp", [])


def test_equal_numbers_in_two_address_spaces_are_two_processes() -> None:
    found = find_sharing([reading(1), reading(2)], by_space({1: 1, 2: 2}), bool)
    assert (found.with_pid, found.by, found.alike) == ({}, "", [])


def test_without_kcmp_one_layout_and_no_copied_page_is_one_space_by_inference() -> None:
    found = find_sharing([reading(1), reading(2), reading(3, b"b")], None, lambda _: True)
    assert (found.with_pid, found.by, found.alike) == ({2: 1}, "layout", [])


@pytest.mark.parametrize(
    ("others", "randomised"),
    [
        ({"copies": True}, True),
        ({}, False),
        ({"layout": b""}, True),
    ],
    ids=["forks share pages", "no random layout", "layout not shown"],
)
def test_what_cannot_be_told_is_left_open(others: dict[str, object], randomised: bool) -> None:  # noqa: FBT001
    pair = [reading(pid, **others) for pid in (1, 2)]  # type: ignore[arg-type]
    found = find_sharing(pair, lambda *_: None, lambda _: randomised)
    assert (found.with_pid, found.alike) == ({}, [pair[1]])


def test_without_kcmp_one_space_may_have_moved_a_little_between_two_reads() -> None:
    found = find_sharing([reading(1, pss=100), reading(2, pss=103)], None, lambda _: True)
    assert (found.with_pid, found.alike) == ({2: 1}, [])


def test_without_kcmp_one_that_moved_a_lot_is_left_open() -> None:
    pair = [reading(1, pss=100), reading(2, pss=203)]
    found = find_sharing(pair, None, lambda _: True)
    assert (found.with_pid, found.alike) == ({}, [pair[1]])


def test_processes_without_memory_are_nobodys_double() -> None:
    assert find_sharing([reading(1, pss=0), reading(2, pss=0)], None, bool).alike == []


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20))
def test_of_each_space_exactly_one_process_counts(drawn: list[tuple[int, int]]) -> None:
    spaces = {pid: space * 4 + layout for pid, (space, layout) in enumerate(drawn, 1)}
    readings = [reading(pid, b"%d" % layout) for pid, (_, layout) in enumerate(drawn, 1)]
    found = find_sharing(readings, by_space(spaces), bool)
    counting = [each.pid for each in readings if each.pid not in found.with_pid]
    assert sorted(spaces[pid] for pid in counting) == sorted(set(spaces.values()))
    assert all(spaces[pid] == spaces[first] for pid, first in found.with_pid.items())


def test_many_forks_are_ordered_without_comparing_each_with_each() -> None:
    calls = []

    def counted(one: int, other: int) -> int:
        calls.append(1)
        return (one > other) - (one < other)

    find_sharing([reading(pid) for pid in range(500)], counted, bool)
    assert len(calls) < 500 * 12


class TestSumsOfAPaperMachine:
    @pytest.fixture
    def machine(self, tmp_path: Path) -> Machine:
        """Two processes of the same 64 MiB, with no layout to tell, and a third."""
        machine = Machine(tmp_path)
        for pid, size in ((1, 65536), (2, 65536), (3, 2048)):
            machine.process(pid, pid_stat(pid), smaps(size))
        return machine

    def test_what_may_be_counted_twice_is_an_amount_beside_the_sums(self, machine: Machine) -> None:
        with ProcFs(machine.roots.proc) as proc:
            tally = Processes(proc, Wanted(), Budget(60), 0.0).read(dict.fromkeys([1, 2, 3]), set())
        sums = tally.sums()
        assert (sums.pss_bytes, sums.alike, sums.alike_pss_bytes) == (133120 * 1024, 1, 64 << 20)
        assert (sums.alike_pss_anon_bytes, sums.alike_pss_file_bytes) == (64 << 20, 0)
        assert sums.sharing == 0

    def test_pids_of_a_recorded_tree_are_not_compared_with_what_runs_here(self, machine: Machine) -> None:
        with ProcFs(machine.roots.proc) as proc:
            assert not proc.is_own()


@pytest.fixture(params=["fork", "CLONE_VM"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[int]]]:
    """Two living processes: a fork, or one with the same address space."""
    flags = 0 if request.param == "fork" else CLONE_VM
    program = HOLDER.replace("FLAGS", hex(flags))
    with Child([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children")
        assert parent.line() == "ready"
        found = [int(pid) for pid in children.read_text().split()]
        try:
            yield str(request.param), [parent.pid, *found]
        finally:
            for pid in found:
                os.kill(pid, 9)


def tally_of(pids: list[int], *, with_kcmp: bool) -> Tally:
    with ProcFs("/proc") as proc:
        reader = Processes(proc, Wanted(limit=5), Budget(60), 0.0)
        if not with_kcmp:
            reader._compare = None
        return reader.read(dict.fromkeys(pids), set())


@pytest.mark.parametrize("with_kcmp", [True, False])
def test_this_machines_own_kernel_counts_an_address_space_once(
    pair: tuple[str, list[int]],
    with_kcmp: bool,  # noqa: FBT001
) -> None:
    how, pids = pair
    if with_kcmp and compare_spaces(pids[0], pids[0]) is None:
        pytest.skip("this kernel answers no kcmp")
    sums = tally_of(pids, with_kcmp=with_kcmp).sums()
    assert sums.pss_bytes is not None
    assert sums.read == 2
    if how == "fork":
        # Its pages are shared copied on write: PSS is fair by itself.
        assert sums.sharing == 0
        assert 64 << 20 < sums.pss_bytes < 90 << 20
    else:
        assert (sums.sharing, sums.sharing_by) == (1, "kcmp" if with_kcmp else "layout")
        assert 64 << 20 < sums.pss_bytes < 90 << 20
        assert sums.rss_bytes is not None
        assert sums.sharing_rss_bytes is not None
        assert sums.rss_bytes > 128 << 20
        assert sums.sharing_rss_bytes > 64 << 20
