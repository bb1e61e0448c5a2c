"""From the processes to the charge: Σ RSS -> Σ PSS -> memory.current. Pure.

Pss_Anon, Pss_File and Pss_Shmem are shares of resident mapped pages, wherever they are charged
(fs/proc/task_mmu.c); memory.stat counts what is charged here, whoever maps it. Borrowed and lent are
the two signs of the difference, net: as much again may have been both borrowed and lent.
"""

from __future__ import annotations

from collections.abc import Iterable

from memcollect.accounting.charge import DETACHED_RULES, KERNEL_RULES
from memcollect.accounting.facts import CHARGED_RINGS, RING_KINDS, Facts
from memcollect.accounting.interval import ZERO, Interval
from memcollect.accounting.rules import NO_BOUND, Amount, Bound, TermRule, bounded, interval_or_zero, measured
from memcollect.units import KIB


def double_counted(facts: Facts) -> Amount:
    """Return Σ PSS − Σ RSS: what adding up RSS counts more than once."""
    rss, pss = facts.exact("procs.rss"), facts.exact("procs.pss")
    merged = interval_or_zero(facts.once(merged_pages))
    return bounded(Interval.exactly(pss - rss) - merged, f"Σ PSS {pss} − Σ RSS {rss}{_without(merged)}")


def _without(merged: Interval) -> str:
    return f" + merged {-merged.estimate}" if merged != ZERO else ""


def merged_pages(facts: Facts) -> Amount | None:
    """Return minus the pages that KSM merged: ps counts each of them, and hardly any has a page of its own.

    A merged page has up to max_page_sharing mappers (256 by default, mm/ksm.c), here or elsewhere, so nearly
    all of them is in Σ RSS − Σ PSS. None where the kernel does not count them by process.
    """
    if "procs.ksm" not in facts or not facts.exact("procs.ksm"):
        return None
    merged, again = facts.exact("procs.ksm"), max(0, facts.exact("procs.rss") - facts.exact("procs.pss"))
    most = min(merged, again)
    return bounded(Interval(-most, 0, -most), f"Σ KSM {merged}, at most Σ RSS − Σ PSS {again}")


def not_read(facts: Facts) -> Amount | None:
    """Return minus the RSS of the processes whose PSS is not known; None where every one was read."""
    if not facts.exact("procs.unread") or "procs.unread_rss" not in facts:
        return None
    unread = facts.exact("procs.unread_rss")
    return measured(-unread, f"Σ VmRSS {unread} of the processes whose PSS was not read")


def no_bound(_: Facts) -> Bound:
    """Return the bound of a step between two sums over the same reads."""
    return NO_BOUND


def _truncation_bytes(facts: Facts, lines: int) -> int:
    """Return how much Σ of `lines` Pss lines may be short: each is cut to whole KiB in each process.

    Nothing is put down to it while processes are unread: the difference is theirs first.
    """
    return 0 if facts.exact("procs.unread_rss") else lines * facts.exact("procs.read") * KIB


def _anon_difference(facts: Facts) -> int:
    return facts.stat("anon") - facts.exact("procs.pss_anon")


def _mapped_difference(facts: Facts) -> int:
    """Return what is charged of mapped files less what is mapped of them; rings are neither's."""
    mapped = facts.exact("procs.pss_file") + facts.exact("procs.pss_shmem") - _rings_bytes(facts, RING_KINDS)
    return facts.stat("file_mapped") - facts.once(_charged_rings).estimate - mapped


def _rings_bytes(facts: Facts, kinds: Iterable[str]) -> int:
    names = [f"procs.rings_{kind}" for kind in kinds]
    return sum(facts.exact(name) for name in names if name in facts)


def ring_pages(facts: Facts) -> Amount | None:
    """Return minus the rings that processes map: in their PSS, and no file's.

    What of them is charged, is so as kernel memory. None where none was found.
    """
    size = _rings_bytes(facts, RING_KINDS)
    if not size:
        return None
    kinds = [words for kind, words in RING_KINDS.items() if _rings_bytes(facts, [kind])]
    return measured(-size, f"Σ Pss {size} of mappings of {', '.join(kinds)} in smaps")


def _charged_rings(facts: Facts) -> Interval:
    """Return what of the rings is in file_mapped, which counts whatever is mapped and charged.

    They are charged to their maker, which may be another cgroup: here no more than there is kernel memory.
    """
    size = _rings_bytes(facts, CHARGED_RINGS)
    if "stat.kernel" in facts:
        itemised = facts.exact("kernel_itemised") - (facts.stat("vmalloc") if "stat.vmalloc" in facts else 0)
        size = min(size, max(0, facts.stat("kernel") - itemised))
    return Interval(0, size, size) if size else ZERO


def unread_processes(facts: Facts) -> Amount | None:
    """Return what the processes that could not be read may map: up to their RSS, which stat gives.

    The estimate is what lets the other terms vanish: charged here, and mapped by nobody who was read.
    None where every process was read.
    """
    if not facts.exact("procs.unread"):
        return None
    unread = facts.exact("procs.unread_rss")
    wanted = max(0, facts.once(_anon_difference)) + max(0, facts.once(_mapped_difference))
    interval = Interval.between(0, unread, wanted)
    return Amount(interval, "bounded", f"0 to Σ RSS {unread} of the processes that were not read")


def _alike_split(facts: Facts) -> tuple[Interval, Interval]:
    """Return what of the anon and of the file difference may be one address space counted twice.

    A page is charged once, however often it was counted: what Σ Pss exceeds the charge by is put down to it.
    """
    if "procs.alike_pss" not in facts:
        return ZERO, ZERO
    anon = facts.exact("procs.alike_pss_anon")
    file = facts.exact("procs.alike_pss_file") + facts.exact("procs.alike_pss_shmem")
    return (
        Interval(0, anon, min(anon, max(0, -facts.once(_anon_difference)))),
        Interval(0, file, min(file, max(0, -facts.once(_mapped_difference)))),
    )


def alike_processes(facts: Facts) -> Amount | None:
    """Return minus what processes of equal numbers, perhaps of one address space, are counted twice.

    None where nobody is alike, or nothing is mapped here beyond what is charged here.
    """
    anon, file = facts.once(_alike_split)
    twice = anon + file
    if not twice.estimate:
        return None
    return Amount(
        -twice, "bounded", f"0 to Σ PSS {twice.high} of processes whose numbers equal another's to the byte"
    )


def _unread_split(facts: Facts) -> tuple[Interval, Interval]:
    """Return what of the unread processes' pages to take off the anon and off the file difference."""
    unread = facts.exact("procs.unread_rss")
    anon = min(max(0, facts.once(_anon_difference)), unread)
    file = min(max(0, facts.once(_mapped_difference)), unread - anon)
    return Interval(0, unread, anon), Interval(0, unread, file)


def _owns(term: str, exact: int, truncation: int) -> bool:
    """Return whether the difference's sign is the term's; a truncation's worth belongs to `rounding`."""
    return abs(exact) > truncation and term.startswith("lent") == (exact > 0)


def _anon_rule(term: str) -> TermRule:
    def amount(facts: Facts) -> Amount | None:
        exact, (unread, _) = facts.once(_anon_difference), facts.once(_unread_split)
        twice, _ = _told_alike(facts)
        if not _owns(term, exact, _truncation_bytes(facts, 1)):
            return None
        evidence = f"anon {facts.stat('anon')} − Σ Pss_Anon {facts.exact('procs.pss_anon')}, net"
        return bounded(Interval.exactly(exact) - unread + twice, evidence)

    return TermRule(term, amount)


def _told_alike(facts: Facts) -> tuple[Interval, Interval]:
    """Return the split where the term is told, so that both leave the step together."""
    return facts.once(_alike_split) if facts.once(alike_processes) is not None else (ZERO, ZERO)


def _file_rule(term: str) -> TermRule:
    def amount(facts: Facts) -> Amount | None:
        exact, (_, unread) = facts.once(_mapped_difference), facts.once(_unread_split)
        _, twice = _told_alike(facts)
        if not _owns(term, exact, _truncation_bytes(facts, 2)):
            return None
        mapped = facts.stat("file_mapped")
        rings, charged = _rings_bytes(facts, RING_KINDS), facts.once(_charged_rings)
        without = f" without rings {rings}" if rings else ""
        pss = mapped - exact + rings - charged.estimate
        evidence = f"file_mapped {mapped} − Σ (Pss_File + Pss_Shmem) {pss}{without}, net"
        return bounded(Interval.exactly(exact + charged.estimate) - charged - unread + twice, evidence)

    return TermRule(term, amount)


def rounding(facts: Facts) -> Amount:
    """Return what is lost to whole KiB: the Pss lines against their total, and differences that small."""
    parts = sum(facts.exact(f"procs.pss_{kind}") for kind in ("anon", "file", "shmem"))
    lost = parts - facts.exact("procs.pss")
    anon, mapped = facts.once(_anon_difference), facts.once(_mapped_difference)
    lost += anon if abs(anon) <= _truncation_bytes(facts, 1) else 0
    lost += mapped if abs(mapped) <= _truncation_bytes(facts, 2) else 0
    return measured(lost, f"each Pss line is cut to whole KiB, in {facts.exact('procs.read')} processes")


def unmapped_shmem(facts: Facts) -> Amount:
    """Return tmpfs and shared memory that no process maps.

    memory.stat does not say how much of file_mapped is shmem, hence an interval; shmem − Σ Pss_Shmem
    is the best guess.
    """
    file, mapped, shmem = (facts.stat(key) for key in ("file", "file_mapped", "shmem"))
    unmapped = max(0, file - mapped)
    most = max(0, file - mapped + facts.once(_charged_rings).high)
    guess = shmem - (facts.exact("procs.pss_shmem") if "procs.pss_shmem" in facts else mapped)
    interval = Interval.between(min(max(0, shmem - mapped), unmapped), min(shmem, most), guess)
    return bounded(interval, f"shmem {shmem} − what of file_mapped {mapped} is shmem")


def unmapped_cache(facts: Facts) -> Amount:
    """Return page cache of regular files that no process maps: the rest of file − file_mapped."""
    unmapped = facts.stat("file") - facts.stat("file_mapped")
    rest = Interval.exactly(unmapped) + facts.once(_charged_rings) - facts.once(unmapped_shmem).interval
    return bounded(rest, f"file − file_mapped {unmapped} − unmapped_shmem")


DOUBLE_COUNTING = (
    TermRule("double_counted", double_counted),
    TermRule("ksm", merged_pages),
    TermRule("unread_processes", not_read),
)
CHARGING = (
    TermRule("unread_processes", unread_processes),
    TermRule("alike_processes", alike_processes),
    _anon_rule("lent_anon"),
    _anon_rule("borrowed_anon"),
    *DETACHED_RULES,
    TermRule("rings", ring_pages),
    _file_rule("lent_file"),
    _file_rule("borrowed_file"),
    TermRule("unmapped_shmem", unmapped_shmem),
    TermRule("unmapped_cache", unmapped_cache),
    *KERNEL_RULES,
    TermRule("rounding", rounding),
)
