"""From the processes to the charge: one test per owner of bytes."""

import pytest

from memcollect.accounting.facts import RING_KINDS, Facts, MissingFactError
from memcollect.accounting.interval import Interval
from memcollect.accounting.rules import Amount, evaluate
from memcollect.accounting.steps import processes
from worlds.builders import facts

KIB = 1 << 10
MAPPED: dict[str, int | tuple[int, int, int]] = {
    "procs__rss": 900 * KIB,
    "procs__pss": 700 * KIB,
    "procs__pss_anon": 500 * KIB,
    "procs__pss_file": 150 * KIB,
    "procs__pss_shmem": 50 * KIB,
    "procs__read": 1,
    "procs__unread": 0,
    "procs__unread_rss": 0,
    "stat__anon": 500 * KIB,
    "stat__file": 400 * KIB,
    "stat__shmem": 100 * KIB,
    "stat__file_mapped": 200 * KIB,
}


def known(without: str = "", **changed: int) -> Facts:
    return facts(without, **{**MAPPED, **changed})


def owned(name: str, given: Facts) -> Amount | None:
    return next(rule for rule in processes.CHARGING if rule.term == name).amount(given)


def estimate(name: str, given: Facts) -> int | None:
    amount = owned(name, given)
    return None if amount is None else amount.interval.estimate


def test_what_ps_counts_again_comes_off() -> None:
    assert processes.double_counted(known()).interval == Interval.exactly(-200 * KIB)


@pytest.mark.parametrize("missing", ["procs.rss", "procs.pss"])
def test_double_counting_needs_both_sums(missing: str) -> None:
    _, undecided = evaluate(processes.DOUBLE_COUNTING, known(missing))

    assert [item.missing for item in undecided] == [missing]


def test_private_memory_charged_here_and_mapped_by_nobody_here_is_lent() -> None:
    given = known(stat__anon=800 * KIB)

    assert estimate("lent_anon", given) == 300 * KIB
    assert estimate("borrowed_anon", given) is None


def test_private_memory_mapped_here_and_charged_elsewhere_is_borrowed() -> None:
    given = known(stat__anon=100 * KIB)

    assert estimate("borrowed_anon", given) == -400 * KIB
    assert estimate("lent_anon", given) is None


def test_file_pages_follow_the_same_two_signs() -> None:
    assert estimate("lent_file", known(stat__file_mapped=300 * KIB)) == 100 * KIB
    assert estimate("borrowed_file", known(stat__file_mapped=50 * KIB)) == -150 * KIB
    assert estimate("lent_file", known()) is None
    assert estimate("borrowed_file", known()) is None


def test_a_difference_as_small_as_the_cut_to_whole_kib_belongs_to_rounding() -> None:
    given = known(stat__anon=501 * KIB, stat__file_mapped=202 * KIB)

    assert estimate("lent_anon", given) is None
    assert estimate("lent_file", given) is None
    assert estimate("rounding", given) == 3 * KIB


def test_parts_that_were_cut_make_less_than_their_total() -> None:
    assert estimate("rounding", known(procs__pss=702 * KIB)) == -2 * KIB


def test_where_every_process_was_read_none_is_put_down_to_unread_ones() -> None:
    assert owned("unread_processes", known()) is None


def test_unread_processes_may_own_up_to_their_rss_and_are_believed_before_lending() -> None:
    given = known(stat__anon=800 * KIB, procs__unread=2, procs__unread_rss=200 * KIB)

    assert owned("unread_processes", given) == Amount(
        Interval.of(0, 200 * KIB, 200 * KIB),
        "bounded",
        f"0 to Σ RSS {200 * KIB} of the processes that were not read",
    )
    lent = owned("lent_anon", given)
    assert lent is not None
    assert lent.interval == Interval.of(100 * KIB, 300 * KIB, 100 * KIB)


def test_an_unread_process_whose_size_is_unknown_leaves_every_difference_open() -> None:
    given = known("procs.unread_rss", procs__unread=1)
    _, undecided = evaluate(processes.CHARGING, given)

    names = {item.name for item in undecided if item.missing == "procs.unread_rss"}
    assert names == {
        "unread_processes",
        "lent_anon",
        "borrowed_anon",
        "lent_file",
        "borrowed_file",
        "rounding",
    }


@pytest.mark.parametrize(
    ("missing", "terms"),
    [
        ("stat.anon", {"lent_anon", "borrowed_anon"}),
        ("procs.pss_anon", {"lent_anon", "borrowed_anon", "rounding"}),
        ("stat.file_mapped", {"lent_file", "borrowed_file", "unmapped_shmem", "unmapped_cache"}),
        ("procs.pss_file", {"lent_file", "borrowed_file", "rounding"}),
        ("stat.shmem", {"unmapped_shmem", "unmapped_cache"}),
        ("stat.file", {"unmapped_shmem", "unmapped_cache"}),
    ],
)
def test_a_missing_fact_leaves_its_terms_open_under_its_name(missing: str, terms: set[str]) -> None:
    _, undecided = evaluate(processes.CHARGING, known(missing))

    assert terms <= {item.name for item in undecided if item.missing == missing}


def test_unmapped_tmpfs_lies_between_the_two_extremes_and_pss_gives_the_guess() -> None:
    # file 400, mapped 200, shmem 100: all 100 may be unmapped, or none; Σ Pss_Shmem 50 says half
    assert processes.unmapped_shmem(known()).interval == Interval.of(0, 100 * KIB, 50 * KIB)


def test_tmpfs_larger_than_all_that_is_mapped_is_unmapped_in_part_for_certain() -> None:
    given = known(stat__shmem=390 * KIB, procs__pss_shmem=200 * KIB)

    assert processes.unmapped_shmem(given).interval == Interval.of(190 * KIB, 200 * KIB, 190 * KIB)


def test_unmapped_tmpfs_and_unmapped_cache_share_one_exact_number() -> None:
    shmem, cache = processes.unmapped_shmem(known()), processes.unmapped_cache(known())

    assert shmem.interval.estimate + cache.interval.estimate == 200 * KIB
    assert cache.interval == Interval.of(100 * KIB, 200 * KIB, 150 * KIB)


def test_without_sums_the_split_is_still_bounded() -> None:
    assert processes.unmapped_shmem(known("procs.pss_shmem")).interval == Interval.of(0, 100 * KIB, 0)


def test_unmapped_cache_needs_what_unmapped_tmpfs_needs() -> None:
    with pytest.raises(MissingFactError, match=r"stat\.shmem"):
        processes.unmapped_cache(known("stat.shmem"))


def with_rings(kind: str, size: int, **changed: int) -> Facts:
    """Return facts of a cgroup whose rings were looked for, and are `size` bytes of one kind."""
    found = {f"procs.rings_{each}": size if each == kind else 0 for each in RING_KINDS}
    return known("", **changed).extended(found)


@pytest.mark.parametrize("kind", ["perf", "socket"])
def test_rings_that_nobody_is_charged_for_are_no_files_of_anybodys(kind: str) -> None:
    given = with_rings(kind, 150 * KIB, stat__file_mapped=50 * KIB)

    assert estimate("rings", given) == -150 * KIB
    assert estimate("borrowed_file", given) is None
    assert estimate("unmapped_cache", given) == 300 * KIB


@pytest.mark.parametrize("kind", ["io_uring", "bpf"])
def test_rings_that_are_kernel_memory_are_mapped_and_no_file(kind: str) -> None:
    given = with_rings(kind, 80 * KIB, kernel_itemised=40 * KIB, stat__kernel=120 * KIB)

    assert estimate("rings", given) == -80 * KIB
    assert estimate("borrowed_file", given) is None
    assert estimate("unmapped_cache", given) == 230 * KIB


def test_a_ring_whose_maker_pays_elsewhere_hides_none_of_our_files() -> None:
    paid = 40 * KIB
    given = with_rings("bpf", 80 * KIB, kernel_itemised=paid, stat__kernel=paid, stat__file_mapped=120 * KIB)

    assert estimate("rings", given) == -80 * KIB
    assert estimate("borrowed_file", given) is None
    assert estimate("unmapped_cache", given) == 230 * KIB


def test_where_no_ring_was_found_none_is_told() -> None:
    assert estimate("rings", with_rings("perf", 0)) is None
    assert estimate("rings", known()) is None


@pytest.mark.parametrize(("merged", "told"), [(4, Interval.of(-4, 0, -4)), (99, Interval.of(-10, 0, -10))])
def test_merged_pages_are_at_most_what_ps_counts_again(merged: int, told: Interval) -> None:
    amount = processes.merged_pages(facts(procs__ksm=merged, procs__rss=30, procs__pss=20))
    assert amount is not None
    assert amount.interval == told
    assert processes.merged_pages(facts(procs__ksm=0, procs__rss=30, procs__pss=20)) is None
    assert processes.merged_pages(facts(procs__rss=30, procs__pss=20)) is None
    less = processes.merged_pages(facts(procs__ksm=4, procs__rss=10, procs__pss=20))
    assert less is not None
    assert less.interval == Interval.exactly(0)


def test_what_ps_counts_of_processes_without_pss_comes_off() -> None:
    amount = processes.not_read(facts(procs__unread=2, procs__unread_rss=7))
    assert amount is not None
    assert amount.interval == Interval.exactly(-7)
    assert processes.not_read(facts(procs__unread=0, procs__unread_rss=0)) is None
    assert processes.not_read(facts(procs__unread=2)) is None


ALIKE = {
    "procs.alike_pss": 60,
    "procs.alike_pss_anon": 40,
    "procs.alike_pss_file": 15,
    "procs.alike_pss_shmem": 5,
}


@pytest.mark.parametrize(
    ("charged_anon", "charged_mapped", "twice"),
    [(40, 20, 60), (80, 40, None), (70, 40, 10), (80, 33, 7), (0, 0, 60), (999, 999, None)],
)
def test_processes_that_may_be_one_are_as_much_twice_as_they_have_beyond_the_charge(
    charged_anon: int, charged_mapped: int, twice: int | None
) -> None:
    """Of two that each have 40 anonymous and 20 mapped bytes: one address space, two, or in part."""
    given = Facts({"procs.pss_anon": 80, "procs.pss_file": 30, "procs.pss_shmem": 10, **ALIKE})
    given |= {"stat.anon": charged_anon, "stat.file_mapped": charged_mapped}
    amount = processes.alike_processes(given)
    if twice is None:
        assert amount is None
    else:
        assert amount is not None
        assert amount.interval == Interval.of(-60, 0, -twice)


def test_what_is_merged_may_be_a_part_of_what_ps_counts_again() -> None:
    merged = processes.double_counted(facts(procs__ksm=4, procs__rss=30, procs__pss=20))
    none = processes.double_counted(facts(procs__rss=30, procs__pss=20))

    assert merged == Amount(Interval.of(-10, -6, -6), "bounded", "Σ PSS 20 − Σ RSS 30 + merged 4")
    assert none == Amount(Interval.exactly(-10), "measured", "Σ PSS 20 − Σ RSS 30")


def with_alike(**changed: int) -> Facts:
    return known("", **changed).extended({name: size * 3 * KIB for name, size in ALIKE.items()})


def test_what_may_be_counted_twice_is_neither_lent_nor_borrowed_for_certain() -> None:
    # Alike: 120 KiB of private memory, 60 KiB of files; beyond the charge are 200 and 80 KiB.
    given = with_alike(stat__anon=300 * KIB, stat__file_mapped=120 * KIB)

    assert owned("borrowed_anon", given) == Amount(
        Interval.of(-200 * KIB, -80 * KIB, -80 * KIB),
        "bounded",
        f"anon {300 * KIB} − Σ Pss_Anon {500 * KIB}, net",
    )
    file = owned("borrowed_file", given)
    assert file is not None
    assert file.interval == Interval.of(-80 * KIB, -20 * KIB, -20 * KIB)


def test_where_nothing_is_counted_twice_what_is_lent_is_exact() -> None:
    lent = owned("lent_anon", with_alike(stat__anon=800 * KIB))

    assert lent is not None
    assert (lent.interval, lent.confidence) == (Interval.exactly(300 * KIB), "measured")


def test_unread_processes_are_believed_first_of_private_memory_then_of_files() -> None:
    given = known(
        stat__anon=800 * KIB, stat__file_mapped=300 * KIB, procs__unread=1, procs__unread_rss=350 * KIB
    )
    intervals = {
        name: amount.interval
        for name in ("unread_processes", "lent_anon", "lent_file")
        if (amount := owned(name, given))
    }

    assert intervals == {
        "unread_processes": Interval.of(0, 350 * KIB, 350 * KIB),
        "lent_anon": Interval.of(-50 * KIB, 300 * KIB, 0),
        "lent_file": Interval.of(-250 * KIB, 100 * KIB, 50 * KIB),
    }


def test_unread_processes_are_wanted_no_further_than_both_differences_together() -> None:
    given = known(
        stat__anon=510 * KIB, stat__file_mapped=220 * KIB, procs__unread=1, procs__unread_rss=350 * KIB
    )
    less = known(
        stat__anon=400 * KIB, stat__file_mapped=220 * KIB, procs__unread=1, procs__unread_rss=350 * KIB
    )

    assert estimate("unread_processes", given) == 30 * KIB
    assert estimate("unread_processes", less) == 20 * KIB


def test_the_arithmetic_of_files_beside_rings_can_be_repeated() -> None:
    amount = owned("borrowed_file", with_rings("perf", 30 * KIB, stat__file_mapped=100 * KIB))

    assert amount == Amount(
        Interval.exactly(-70 * KIB),
        "measured",
        f"file_mapped {100 * KIB} − Σ (Pss_File + Pss_Shmem) {200 * KIB} without rings {30 * KIB}, net",
    )
    without = owned("borrowed_file", known(stat__file_mapped=100 * KIB))
    assert without is not None
    assert without.evidence == f"file_mapped {100 * KIB} − Σ (Pss_File + Pss_Shmem) {200 * KIB}, net"


@pytest.mark.parametrize(("vmalloc", "charged"), [(0, 20), (30, 50), (90, 80)])
def test_of_rings_no_more_is_charged_here_than_there_is_kernel_memory_without_vmalloc(
    vmalloc: int, charged: int
) -> None:
    given = with_rings(
        "bpf",
        80 * KIB,
        kernel_itemised=100 * KIB,
        stat__vmalloc=vmalloc * KIB,
        stat__kernel=120 * KIB,
        stat__file_mapped=90 * KIB,
    )
    amount = owned("borrowed_file", given)
    net = 90 - charged - (200 - 80)

    assert amount is not None
    assert amount.interval == Interval.of(net * KIB, (net + charged) * KIB, net * KIB)
    assert f"Σ (Pss_File + Pss_Shmem) {200 * KIB} without rings {80 * KIB}" in amount.evidence


def test_only_the_kinds_of_rings_that_are_there_are_named() -> None:
    amount = owned("rings", with_rings("socket", 8 * KIB))

    assert amount is not None
    assert amount.evidence == f"Σ Pss {8 * KIB} of mappings of packet sockets in smaps"
