import msgspec
import pytest

from memcollect.documents.snapshot import (
    Composition,
    Container,
    Finding,
    Pod,
    Residual,
    Term,
    Termination,
    Undecided,
)
from memcollect.explain.statement import Case
from memcollect.explain.verdict import pronounce, statements
from memcollect_agent.wire import LargestProcess, Process, ProcessSums, SkippedProcess
from worlds.builders import MIB, facts

APP = Container(name="app")


def term(name: str, mib: int) -> Term:
    size = mib * MIB
    return Term(term=name, low_bytes=size, high_bytes=size, estimate_bytes=size, confidence="measured")


def composition(rest: int = 0, undecided: tuple[str, ...] = (), **parts: int) -> Composition:
    return Composition(
        working_set_bytes=(sum(parts.values()) + rest) * MIB,
        terms=[term(name, mib) for name, mib in parts.items()],
        residual=Residual(
            low_bytes=rest * MIB,
            high_bytes=rest * MIB,
            estimate_bytes=rest * MIB,
            bound_low_bytes=0,
            bound_high_bytes=0,
            bound_reason="",
            within_bound=rest == 0,
        ),
        undecided=[Undecided(name=name, missing=f"stat.{name}", reason="") for name in undecided],
    )


def verdict(whole: Composition | None, *findings: Finding, **more: str) -> str:
    row = Pod(uid="u", name="p", composition=whole, findings=list(findings))
    row = msgspec.structs.replace(row, **more)
    return pronounce(statements(Case(row, [], facts())))


def found(cause: str, mib: int, scope: str = "app") -> Finding:
    return Finding(cause=cause, scope=scope, sentence="-", estimate_bytes=mib * MIB)


def test_every_large_part_is_told_in_order_of_size_with_its_fate() -> None:
    whole = composition(anon=412, hot_cache=388, shmem=128, slab_reclaimable=60, sock=24)

    assert verdict(whole) == (
        "412 MiB of 1012 MiB is private memory of its processes; 388 MiB is page cache the kernel can drop;"
        " 128 MiB is tmpfs or shared memory, which only swap could take; 60 MiB is the kernel's caches of"
        " files (names, inodes, block records), droppable if unused."
    )


@pytest.mark.parametrize(
    ("comm", "mib", "exe", "told"),
    [
        ("python3", 300, None, ", 300 MiB of it python3's (PID 41);"),
        ("chrome", 300, "/opt/chromium/chromium", ", 300 MiB of it chromium's (PID 41);"),
        ("not mine, sorry", 300, None, ", 300 MiB of it PID 41's;"),
        ("python3", 40, None, ";"),
        ("python3", 413, None, ";"),
    ],
)
def test_private_memory_is_told_with_the_process_that_holds_much_of_it(
    comm: str, mib: int, exe: str | None, told: str
) -> None:
    sums = ProcessSums(listed=1, largest=LargestProcess(pid=41, comm=comm, pss_anon_bytes=mib * MIB))
    listed = [] if exe is None else [Process(pid=41, ppid=1, start_time=0.0, state="S", comm=comm, exe=exe)]
    container = Container(name="app", sums=sums, processes=listed)
    row = Pod(uid="u", name="p", composition=composition(anon=412, hot_cache=388), containers=[container])
    text = pronounce(statements(Case(row, [(container, facts())], facts())))
    assert text.startswith(f"412 MiB of 800 MiB is private memory of its processes{told}")


def test_memory_of_one_process_alone_is_told_as_its_own() -> None:
    assert of_one(412, 800, "postgres:").startswith(
        "412 MiB of 800 MiB is private memory of postgres (PID 41);"
    )
    assert of_one(412, 800, "not mine, sorry").startswith("412 MiB of 800 MiB is private memory of PID 41;")


def test_a_part_that_reads_like_the_whole_is_called_all_of_it_or_nearly_all() -> None:
    assert of_one(123, 123, "x") == "All of its 123 MiB is private memory of x (PID 41)."
    assert of_one(12_300, 12_301, "x") == "Nearly all of its 12 GiB is private memory of x (PID 41)."


def of_one(anon: int, whole: int, comm: str, skipped: list[SkippedProcess] | None = None) -> str:
    """Return the verdict on a pod whose private memory one process holds."""
    largest = LargestProcess(pid=41, comm=comm, pss_anon_bytes=anon * MIB)
    sums = ProcessSums(listed=1, skipped=skipped or [], largest=largest)
    container = Container(name="app", sums=sums)
    parts = composition(anon=anon, hot_cache=whole - anon) if whole > anon else composition(anon=anon)
    row = Pod(uid="u", name="p", composition=parts, containers=[container])
    return pronounce(statements(Case(row, [(container, facts())], facts())))


@pytest.mark.parametrize(
    ("kernel", "mostly"),
    [
        (composition(page_tables=30, sock=10, anon=1), " (mostly page tables)"),
        (composition(page_tables=20, sock=14, percpu=6, anon=1), " (mostly page tables and socket buffers)"),
        (composition(page_tables=15, sock=13, percpu=12, anon=1), ""),
        (
            composition(other_kernel=19, page_tables=18, sock=3, anon=1),
            " (mostly I/O buffers and page tables)",
        ),
        (composition(other_kernel=30, page_tables=10, anon=1), " (mostly I/O buffers)"),
    ],
)
def test_kernel_memory_is_told_with_the_one_kind_or_the_two_that_most_of_it_is(
    kernel: Composition, mostly: str
) -> None:
    assert verdict(kernel).startswith(f"40 MiB of 41 MiB is kernel memory, which stays{mostly}.")


def of_open_files(count: int, whole: Composition) -> str:
    """Return the verdict on a pod of two containers that have so many files open together."""
    of_each = [(Container(name=name), facts(descriptors=count // 2)) for name in ("a", "b")]
    row = Pod(uid="u", name="p", composition=whole)
    return pronounce(statements(Case(row, of_each, facts())))


def test_open_files_are_told_once_with_the_largest_part_that_they_may_be_the_reason_of() -> None:
    opened = ", with 20,000 files, sockets and pipes open; 20 MiB is"
    objects = of_open_files(20000, composition(slab_unreclaimable=30, open_files=20, anon=1))
    names = of_open_files(20000, composition(slab_unreclaimable=20, open_files=30, anon=1))

    assert f"30 MiB of 51 MiB is kernel memory, which stays (mostly kernel objects){opened}" in objects
    assert f"30 MiB of 51 MiB is inodes and names that open files keep, which stay{opened}" in names
    assert [objects.count(" open;"), names.count(" open;")] == [1, 1]


@pytest.mark.parametrize(
    ("count", "whole"),
    [
        (998, composition(slab_unreclaimable=2, anon=1)),
        (2000, composition(slab_unreclaimable=8, anon=1)),
        (2000, composition(sock=6, slab_unreclaimable=5, anon=1)),
    ],
    ids=["few", "far too few for so much", "not most of it"],
)
def test_open_files_that_cannot_be_the_reason_are_not_told(count: int, whole: Composition) -> None:
    assert "open" not in of_open_files(count, whole)


def test_a_part_too_small_to_act_on_is_not_told() -> None:
    assert "tmpfs" not in verdict(composition(anon=100, shmem=4))


def test_nothing_counted_is_said_so() -> None:
    assert verdict(composition()) == "Its app containers have a working set of 0 B."


@pytest.mark.parametrize(
    ("cause", "sentence"),
    [
        ("dead_containers", "64 MiB more is charged to the pod by containers that are gone."),
        (
            "pod_processes",
            "64 MiB more is charged to the pod itself, by processes outside of its containers.",
        ),
        (
            "dead_slab",
            "64 MiB more is the kernel's caches of files, charged to the pod by containers that are gone.",
        ),
        (
            "pod_kernel",
            (
                "64 MiB more is kernel memory that is charged to the pod and to none of its containers, and"
                " stays."
            ),
        ),
        ("monitors", "64 MiB more is charged to CRI-O's monitors in this pod (conmon)."),
        ("pause", "64 MiB more is in the pause container's cgroup."),
        ("borrowed_file", "It maps 64 MiB of file pages that are not charged to it."),
        ("double_counted", "Adding up RSS, as ps does, double-counts 64 MiB of shared pages."),
    ],
)
def test_what_stands_beside_the_number_is_told_when_it_is_large(cause: str, sentence: str) -> None:
    assert sentence in verdict(composition(anon=100), found(cause, -64))
    assert sentence not in verdict(composition(anon=10_000), found(cause, -64))


def test_what_stands_beside_the_number_is_added_up_over_the_containers() -> None:
    said = verdict(composition(anon=100), found("borrowed_file", 6, "a"), found("borrowed_file", 7, "b"))

    assert "It maps 13 MiB of file pages" in said


def test_alarms_are_repeated_once() -> None:
    kill = Finding(cause="oom_kill", scope="pod", severity="critical", sentence="Killed.")

    assert verdict(composition(anon=100), kill, kill).count("Killed.") == 1


def test_a_hole_is_never_left_out() -> None:
    assert "30 MiB is not explained" in verdict(composition(rest=30, anon=100))
    assert "The parts come to 30 MiB more than the whole" in verdict(composition(rest=-30, anon=100))


def test_a_hole_behind_a_missing_counter_is_not_blamed_on_the_kernel() -> None:
    said = verdict(composition(rest=30, undecided=("sock",), anon=100))

    assert "30 MiB is left open, for these could not be decided: sock." in said
    assert "bookkeeping" not in said


def test_a_pod_without_numbers_says_why_and_keeps_its_alarms() -> None:
    kill = Finding(cause="oom_kill", scope="pod", severity="critical", sentence="Killed.")

    assert verdict(None, kill, unmeasured="it is pending.") == "Killed. Not measured: it is pending."
    assert verdict(None) == "Not measured: no numbers."


def test_a_part_that_is_more_than_the_whole_is_no_part_of_it() -> None:
    """A counter that is not yet flushed can be: the whole is named where the rest is told."""
    said = verdict(composition(rest=-8, anon=100))
    assert said == (
        "All of its 92 MiB is private memory of its processes. The parts come to 8 MiB more than the whole of"
        " 92 MiB: not explained."
    )
    assert verdict(composition(rest=-18, anon=100, sock=10)).startswith("100 MiB is private memory of its")


def test_private_memory_that_no_process_maps_is_not_called_theirs() -> None:
    said = verdict(composition(anon=300), found("lent_anon", 298))

    assert said.startswith("All of its 300 MiB is private memory. 298 MiB of its private memory is mapped by")


def test_beside_a_larger_process_that_was_not_read_none_is_named() -> None:
    larger = [SkippedProcess(pid=7, rss_bytes=250 * MIB, reason="denied")]
    smaller = [SkippedProcess(pid=7, rss_bytes=2 * MIB, reason="denied")]

    assert "PID 41" not in of_one(50, 60, "x", larger)
    assert "x (PID 41)" in of_one(50, 60, "x", smaller)


def test_what_went_wrong_is_told_before_what_the_memory_is() -> None:
    kill = Finding(cause="oom_kill", scope="app", severity="critical", sentence="Killed.")
    near = Finding(cause="near_limit", scope="app", severity="warning", sentence="Near.")

    assert verdict(composition(anon=100), near, kill).startswith("Killed. Near. All of its 100 MiB")


def test_a_sigkill_that_the_counters_tell_of_is_told_once() -> None:
    kill = Finding(cause="oom_kill", scope="pod", severity="critical", sentence="One of earlier runs.")
    end = Finding(cause="killed", scope="app", severity="warning", sentence="Ended with 137.")
    row = Pod(
        uid="u",
        name="p",
        composition=composition(anon=100),
        findings=[kill, end],
        containers=[
            Container(name="app", restarts=1, last_termination=Termination(reason="Error", exit_code=137))
        ],
    )

    said = pronounce(statements(Case(row, [], facts())))
    assert said.startswith("One of earlier runs. All of its 100 MiB")
    assert "137" not in said


@pytest.mark.parametrize(("least", "cache", "is_told"), [(64, 50, True), (0, 50, False), (64, 2, False)])
def test_cache_that_memory_min_keeps_is_not_left_as_if_anybody_got_it(
    least: int, cache: int, *, is_told: bool
) -> None:
    kept = Finding(cause="protected", scope="app", sentence="64 MiB is protected.")
    row = Pod(
        uid="u",
        name="p",
        composition=composition(anon=100, hot_cache=cache),
        findings=[kept],
        containers=[APP],
    )
    held = facts().extended({"limit.min": least * MIB})

    assert ("64 MiB is protected." in pronounce(statements(Case(row, [(APP, held)], facts())))) is is_told


def test_what_is_optional_is_left_out_of_a_verdict_that_is_long_enough() -> None:
    again = found("double_counted", 64)
    alarms = [
        Finding(cause=f"c{number}", scope="app", severity="critical", sentence=f"{number}{'!' * 80}.")
        for number in range(3)
    ]

    assert "double-counts 64 MiB" in verdict(composition(anon=100), again)
    assert "double-counts" not in verdict(composition(anon=100), again, *alarms)


def test_what_ps_counts_again_is_never_left_out_where_it_is_more_than_the_whole() -> None:
    alarms = [
        Finding(cause=f"c{number}", scope="app", severity="critical", sentence=f"{number}{'!' * 80}.")
        for number in range(4)
    ]

    assert "double-counts 101 MiB" in verdict(composition(anon=100), found("double_counted", 101), *alarms)


@pytest.mark.parametrize(("cold", "is_told"), [(100, True), (99, False)])
def test_cold_cache_is_never_left_out_where_it_is_more_than_the_whole(cold: int, *, is_told: bool) -> None:
    alarms = [
        Finding(cause=f"c{number}", scope="app", severity="critical", sentence=f"{number}{'!' * 80}.")
        for number in range(4)
    ]
    whole = msgspec.structs.replace(composition(anon=100), left_out=[term("cold_cache", cold)])

    assert (f"{cold} MiB more is page cache" in verdict(whole, *alarms)) == is_told
