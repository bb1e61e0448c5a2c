"""What private memory is mapped for: of real processes, held against what they were told to hold."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect_agent.measure.mappings import MOST_PARTS, Mappings, parts, private_bytes, read_mappings
from memcollect_agent.measure.problems import Problems
from memcollect_agent.parse.smaps import Mapping
from memcollect_agent.read.procfs import ProcFs
from memcollect_agent.wire import Process, ProcessMappings
from worlds.private_memory import (
    ARENA_BYTES,
    ARENAS,
    HEAP_BYTES,
    LARGE_BYTES,
    MIB,
    NODE,
    PROGRAM,
    SHARING,
    THREADS,
    python,
    running,
)
from worlds.waiting import wait_until

KIB = 1 << 10


def mapping(path: str = "", start: int = 0, size: int = MIB, letters: str = "rw-p", **sizes: int) -> Mapping:
    known = {"Rss": size, "Pss": size, "Anonymous": size, "Private_Dirty": size, **sizes}
    return Mapping(start, start + size, letters, "00:00", 0, path, known)


def told_of(pid: int) -> ProcessMappings:
    """Return the mappings of a process that has come to rest: one at work grows while it is read."""
    told: list[ProcessMappings] = []

    def at_rest() -> bool:
        with ProcFs() as proc, proc.process(pid) as process:
            told.append(read_mappings(process, process.exe()))
        return told[-1].pss_anon_bytes == told[-1].pss_anon_before_bytes

    wait_until(at_rest)
    return told[-1]


def near(truth: int) -> object:
    return pytest.approx(truth, rel=0.01, abs=256 * KIB)


@pytest.fixture(scope="module")
def known() -> Iterator[ProcessMappings]:
    with running(*python(PROGRAM)) as child:
        yield told_of(child.pid)


def of_kind(mapped: ProcessMappings, kind: str) -> int:
    return sum(part.anon_high_bytes for part in mapped.parts if part.kind == kind)


def test_a_large_mapping_is_a_part_of_its_own(known: ProcessMappings) -> None:
    (largest, *_) = known.parts
    assert (largest.kind, largest.mappings) == ("large", 1)
    assert largest.anon_low_bytes == near(LARGE_BYTES)


def test_what_the_first_thread_allocated_is_in_the_heap(known: ProcessMappings) -> None:
    heap = of_kind(known, "heap")
    assert HEAP_BYTES <= heap <= HEAP_BYTES + 4 * MIB  # the interpreter's own is in it, too


def test_what_other_threads_allocated_is_in_arenas(known: ProcessMappings) -> None:
    assert ARENAS * ARENA_BYTES <= of_kind(known, "arena") <= ARENAS * ARENA_BYTES + 2 * MIB


def test_each_thread_has_a_stack(known: ProcessMappings) -> None:
    (stacks,) = [part for part in known.parts if part.kind == "thread-stack"]
    assert (stacks.mappings, stacks.size_bytes) == (THREADS, THREADS * MIB)
    assert stacks.anon_low_bytes >= THREADS * 4 * KIB


def test_the_parts_come_to_pss_anon(known: ProcessMappings) -> None:
    assert known.missing == ""
    assert known.pss_anon_bytes == known.pss_anon_before_bytes
    assert known.pss_anon_bytes is not None
    low = sum(part.anon_low_bytes for part in known.parts)
    high = sum(part.anon_high_bytes for part in known.parts)
    assert low <= known.pss_anon_bytes + 1023
    assert known.pss_anon_bytes <= high
    assert high - low < 256 * KIB


def test_what_a_fork_shares_is_counted_by_halves() -> None:
    with running(*python(SHARING)) as child:
        mapped = told_of(child.pid)
    (largest, *_) = mapped.parts
    assert largest.anon_low_bytes == near(LARGE_BYTES // 2)
    assert mapped.pss_anon_bytes is not None
    assert sum(part.anon_low_bytes for part in mapped.parts) <= mapped.pss_anon_bytes + 1023
    assert mapped.pss_anon_bytes <= sum(part.anon_high_bytes for part in mapped.parts)


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_a_node_process_is_told_by_its_engines_pages() -> None:
    with running("node", "-e", NODE) as child:
        mapped = told_of(child.pid)
    assert of_kind(mapped, "v8") > 16 * MIB
    assert mapped.parts[0].kind == "large"
    assert mapped.parts[0].anon_low_bytes == near(LARGE_BYTES)


@pytest.mark.parametrize(
    ("sizes", "bounds"),
    [
        ({"Anonymous": 0}, (0, 0)),
        ({"Anonymous": MIB}, (MIB, MIB)),
        ({"Anonymous": 64 * KIB}, (64 * KIB, 64 * KIB)),
        ({"Private_Dirty": 0, "Pss": MIB // 2}, (MIB // 2, MIB // 2 + 1023)),
        (
            {"Anonymous": 64 * KIB, "Private_Dirty": MIB - 32 * KIB, "Pss": MIB - 16 * KIB},
            (48 * KIB, 64 * KIB),
        ),
    ],
    ids=["a file's own", "anonymous", "not shared", "a fork's", "both and shared"],
)
def test_pss_anon_of_a_mapping_is_exact_or_an_interval(
    sizes: dict[str, int], bounds: tuple[int, int]
) -> None:
    assert private_bytes(mapping("", 0, MIB, "rw-p", **sizes)) == bounds


ARENA = 64 * MIB


@pytest.mark.parametrize(
    ("kind", "exe", "mappings"),
    [
        ("arena", None, [mapping("", 5 * ARENA), mapping("", 5 * ARENA + MIB, ARENA - MIB, "---p", Rss=0)]),
        ("large", None, [mapping("", 5 * ARENA), mapping("", 6 * ARENA, MIB, "---p", Rss=0)]),
        ("thread-stack", None, [mapping("", 4 * KIB, 4 * KIB, "---p", Rss=0), mapping("", 8 * KIB)]),
        ("jit", None, [mapping("", 0, MIB, "rwxp")]),
        ("go-heap", None, [mapping("", 0xC0 << 32)]),
        ("v8", "/usr/bin/node", [mapping("", 7 * 256 * KIB)]),
        ("large", "/tmp/nodes", [mapping("", 7 * 256 * KIB)]),
        ("jvm-heap", "/opt/java/bin/java", [mapping("", 0xE0000000, 8 * MIB)]),
        ("named", None, [mapping("[anon:glibc: malloc]")]),
        ("bss", "/a", [mapping("/a", 0, MIB, Anonymous=0), mapping("", MIB, 8 * MIB)]),
        ("large", "/b", [mapping("/a", 0, MIB, Anonymous=0), mapping("", MIB, 8 * MIB)]),
    ],
)
def test_a_shape_is_told_where_all_of_it_is_there(
    kind: str, exe: str | None, mappings: list[Mapping]
) -> None:
    none = {"Rss": 0, "Pss": 0, "Anonymous": 0}
    seen = [
        Mapping(each.start, each.end, each.permissions, "00:00", 0, "", none)
        if each.permissions == "---p"
        else each
        for each in mappings
    ]
    assert [part.kind for part in parts(seen, exe)] == [kind]


def test_many_parts_are_added_up_and_none_is_lost() -> None:
    found = parts([mapping(f"/lib/{number}", number * MIB) for number in range(1, 60)], None)
    assert (len(found), found[-1].kind) == (MOST_PARTS, "rest")
    assert sum(part.anon_low_bytes for part in found) == 59 * MIB


def test_a_spent_budget_is_told_once_for_all_processes() -> None:
    problems = Problems()
    listed = [Process(pid=pid, ppid=1, start_time=0) for pid in (os.getpid(), os.getppid())]
    with ProcFs() as proc:
        told = Mappings(proc, lambda: True, problems).told(listed, "/pod")
    assert [each.mapped and each.mapped.parts for each in told] == [[], []]
    (problem,) = problems.all
    assert (problem.kind, problem.reason) == ("mappings", "budget")
    assert "of 2 of its processes" in problem.detail


def test_what_has_ended_meanwhile_is_no_problem(tmp_path: Path) -> None:
    problems = Problems()
    with ProcFs(str(tmp_path)) as proc:
        (told,) = Mappings(proc, lambda: False, problems).told([Process(pid=7, ppid=1, start_time=0)], "/pod")
    assert told.mapped is not None
    assert "ended" in told.mapped.missing
    assert problems.all == []


def test_an_address_space_is_told_once(tmp_path: Path) -> None:
    with ProcFs(str(tmp_path)) as proc:
        shared = Process(pid=7, ppid=1, start_time=0, shares_with=6)
        (told,) = Mappings(proc, lambda: False, Problems()).told([shared], "/pod")
    assert told.mapped is None
