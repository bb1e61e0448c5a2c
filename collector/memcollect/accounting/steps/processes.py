"""From the processes to the charge: Σ RSS -> Σ PSS -> memory.current. Pure.

Pss_Anon, Pss_File and Pss_Shmem are shares of resident mapped pages, wherever they are charged
(fs/proc/task_mmu.c); memory.stat counts what is charged here, whoever maps it. Borrowed and lent are
the two signs of the difference, net: as much again may have been both borrowed and lent.
"""

from __future__ import annotations

from memcollect.accounting.charge import DETACHED_RULES, KERNEL_RULES
from memcollect.accounting.facts import CHARGED_RINGS, RING, RING_KINDS, Facts
from memcollect.accounting.interval import ZERO, Interval
from memcollect.accounting.rules import NO_BOUND, Amount, Bound, TermRule, bounded, interval_or_zero, measured
from memcollect.units import KIB

_ALL_RINGS = tuple(RING.format(kind) for kind in RING_KINDS)
_CHARGED_RINGS = tuple(RING.format(kind) for kind in CHARGED_RINGS)


def double_counted(facts: Facts) -> Amount:
    """Return Σ PSS − Σ RSS: what adding up RSS counts more than once."""
    rss, pss = facts["procs.rss"], facts["procs.pss"]
    merged = interval_or_zero(facts[merged_pages])
    return bounded(Interval.exactly(pss - rss) - merged, f"Σ PSS {pss} − Σ RSS {rss}{_without(merged)}")


def _without(merged: Interval) -> str:
    return f" + merged {-merged.estimate}" if merged != ZERO else ""


def merged_pages(facts: Facts) -> Amount | None:
    """Return minus the pages that KSM merged: ps counts each of them, and hardly any has a page of its own.

    A merged page has up to max_page_sharing mappers (256 by default, mm/ksm.c), here or elsewhere, so nearly
    all of them is in Σ RSS − Σ PSS. None where the kernel does not count them by process.
    """
    if "procs.ksm" not in facts or not facts["procs.ksm"]:
        return None
    merged, again = facts["procs.ksm"], max(0, facts["procs.rss"] - facts["procs.pss"])
    most = min(merged, again)
    return bounded(Interval.of(-most, 0, -most), f"Σ KSM {merged}, at most Σ RSS − Σ PSS {again}")


def not_read(facts: Facts) -> Amount | None:
    """Return minus the RSS of the processes whose PSS is not known; None where every one was read."""
    if not facts["procs.unread"] or "procs.unread_rss" not in facts:
        return None
    unread = facts["procs.unread_rss"]
    return measured(-unread, f"Σ VmRSS {unread} of the processes whose PSS was not read")


def no_bound(_: Facts) -> Bound:
    """Return the bound of a step between two sums over the same reads."""
    return NO_BOUND


def _truncation_bytes(facts: Facts, lines: int) -> int:
    """Return how much Σ of `lines` Pss lines may be short: each is cut to whole KiB in each process.

    Nothing is put down to it while processes are unread: the difference is theirs first.
    """
    return 0 if facts["procs.unread_rss"] else lines * facts["procs.read"] * KIB


def _anon_difference(facts: Facts) -> int:
    return facts["stat.anon"] - facts["procs.pss_anon"]


def _mapped_difference(facts: Facts) -> int:
    """Return what is charged of mapped files less what is mapped of them; rings are neither's."""
    mapped = facts["procs.pss_file"] + facts["procs.pss_shmem"] - facts[_all_rings_bytes]
    return facts["stat.file_mapped"] - facts[_charged_rings].estimate - mapped


def _all_rings_bytes(facts: Facts) -> int:
    return sum([facts[name] for name in _ALL_RINGS if name in facts])


def _charged_rings_bytes(facts: Facts) -> int:
    return sum([facts[name] for name in _CHARGED_RINGS if name in facts])


def ring_pages(facts: Facts) -> Amount | None:
    """Return minus the rings that processes map: in their PSS, and no file's.

    What of them is charged, is so as kernel memory. None where none was found.
    """
    size = facts[_all_rings_bytes]
    if not size:
        return None
    kinds = [words for kind, words in RING_KINDS.items() if facts.get(RING.format(kind))]
    return measured(-size, f"Σ Pss {size} of mappings of {', '.join(kinds)} in smaps")


def _charged_rings(facts: Facts) -> Interval:
    """Return what of the rings is in file_mapped, which counts whatever is mapped and charged.

    They are charged to their maker, which may be another cgroup: here no more than there is kernel memory.
    """
    size = _charged_rings_bytes(facts)
    if "stat.kernel" in facts:
        itemised = facts["kernel_itemised"] - facts.get("stat.vmalloc", 0)
        size = min(size, max(0, facts["stat.kernel"] - itemised))
    return Interval.of(0, size, size) if size else ZERO


def unread_processes(facts: Facts) -> Amount | None:
    """Return what the processes that could not be read may map: up to their RSS, which stat gives.

    The estimate is what lets the other terms vanish: charged here, and mapped by nobody who was read.
    None where every process was read.
    """
    if not facts["procs.unread"]:
        return None
    unread = facts["procs.unread_rss"]
    wanted = max(0, facts[_anon_difference]) + max(0, facts[_mapped_difference])
    interval = Interval.between(0, unread, wanted)
    return Amount(interval, "bounded", f"0 to Σ RSS {unread} of the processes that were not read")


def _alike_split(facts: Facts) -> tuple[Interval, Interval]:
    """Return what of the anon and of the file difference may be one address space counted twice.

    A page is charged once, however often it was counted: what Σ Pss exceeds the charge by is put down to it.
    """
    if "procs.alike_pss" not in facts:
        return ZERO, ZERO
    anon = facts["procs.alike_pss_anon"]
    file = facts["procs.alike_pss_file"] + facts["procs.alike_pss_shmem"]
    return (
        Interval.of(0, anon, min(anon, max(0, -facts[_anon_difference]))),
        Interval.of(0, file, min(file, max(0, -facts[_mapped_difference]))),
    )


def alike_processes(facts: Facts) -> Amount | None:
    """Return minus what processes of equal numbers, perhaps of one address space, are counted twice.

    None where nobody is alike, or nothing is mapped here beyond what is charged here.
    """
    anon, file = facts[_alike_split]
    twice = anon + file
    if not twice.estimate:
        return None
    return Amount(
        -twice, "bounded", f"0 to Σ PSS {twice.high} of processes whose numbers equal another's to the byte"
    )


def _unread_split(facts: Facts) -> tuple[Interval, Interval]:
    """Return what of the unread processes' pages to take off the anon and off the file difference."""
    unread = facts["procs.unread_rss"]
    anon = min(max(0, facts[_anon_difference]), unread)
    file = min(max(0, facts[_mapped_difference]), unread - anon)
    return Interval.of(0, unread, anon), Interval.of(0, unread, file)


def _net_anon(facts: Facts) -> Amount | None:
    """Return private memory charged here and mapped elsewhere, or minus the other way round, net.

    None where it is no more than what is lost to whole KiB: that belongs to `rounding`.
    """
    exact, (unread, _) = facts[_anon_difference], facts[_unread_split]
    twice, _ = _told_alike(facts)
    if abs(exact) <= _truncation_bytes(facts, 1):
        return None
    evidence = f"anon {facts['stat.anon']} − Σ Pss_Anon {facts['procs.pss_anon']}, net"
    return bounded(Interval.exactly(exact) - unread + twice, evidence)


def _told_alike(facts: Facts) -> tuple[Interval, Interval]:
    """Return the split where the term is told, so that both leave the step together."""
    return facts[_alike_split] if facts[alike_processes] is not None else (ZERO, ZERO)


def _net_file(facts: Facts) -> Amount | None:
    """Return the same of pages of files, whose Pss is in two lines."""
    exact, (_, unread) = facts[_mapped_difference], facts[_unread_split]
    _, twice = _told_alike(facts)
    if abs(exact) <= _truncation_bytes(facts, 2):
        return None
    mapped = facts["stat.file_mapped"]
    rings, charged = facts[_all_rings_bytes], facts[_charged_rings]
    without = f" without rings {rings}" if rings else ""
    pss = mapped - exact + rings - charged.estimate
    evidence = f"file_mapped {mapped} − Σ (Pss_File + Pss_Shmem) {pss}{without}, net"
    return bounded(Interval.exactly(exact + charged.estimate) - charged - unread + twice, evidence)


def lent_anon(facts: Facts) -> Amount | None:
    """Return private memory charged here and mapped by processes elsewhere."""
    net = facts[_net_anon]  # asked whatever the sign: what it lacks is open in both
    return net if facts[_anon_difference] > 0 else None


def borrowed_anon(facts: Facts) -> Amount | None:
    """Return minus private memory mapped here and charged elsewhere."""
    net = facts[_net_anon]  # asked whatever the sign: what it lacks is open in both
    return net if facts[_anon_difference] <= 0 else None


def lent_file(facts: Facts) -> Amount | None:
    """Return pages of files charged here and mapped by processes elsewhere."""
    net = facts[_net_file]  # asked whatever the sign: what it lacks is open in both
    return net if facts[_mapped_difference] > 0 else None


def borrowed_file(facts: Facts) -> Amount | None:
    """Return minus pages of files mapped here and charged elsewhere."""
    net = facts[_net_file]  # asked whatever the sign: what it lacks is open in both
    return net if facts[_mapped_difference] <= 0 else None


def rounding(facts: Facts) -> Amount:
    """Return what is lost to whole KiB: the Pss lines against their total, and differences that small."""
    parts = facts["procs.pss_anon"] + facts["procs.pss_file"] + facts["procs.pss_shmem"]
    lost = parts - facts["procs.pss"]
    anon, mapped = facts[_anon_difference], facts[_mapped_difference]
    lost += anon if abs(anon) <= _truncation_bytes(facts, 1) else 0
    lost += mapped if abs(mapped) <= _truncation_bytes(facts, 2) else 0
    return measured(lost, f"each Pss line is cut to whole KiB, in {facts['procs.read']} processes")


def unmapped_shmem(facts: Facts) -> Amount:
    """Return tmpfs and shared memory that no process maps.

    memory.stat does not say how much of file_mapped is shmem, hence an interval; shmem − Σ Pss_Shmem
    is the best guess.
    """
    file, mapped, shmem = facts["stat.file"], facts["stat.file_mapped"], facts["stat.shmem"]
    unmapped = max(0, file - mapped)
    most = max(0, file - mapped + facts[_charged_rings].high)
    guess = shmem - facts.get("procs.pss_shmem", mapped)
    interval = Interval.between(min(max(0, shmem - mapped), unmapped), min(shmem, most), guess)
    return bounded(interval, f"shmem {shmem} − what of file_mapped {mapped} is shmem")


def unmapped_cache(facts: Facts) -> Amount:
    """Return page cache of regular files that no process maps: the rest of file − file_mapped."""
    unmapped = facts["stat.file"] - facts["stat.file_mapped"]
    rest = Interval.exactly(unmapped) + facts[_charged_rings] - facts[unmapped_shmem].interval
    return bounded(rest, f"file − file_mapped {unmapped} − unmapped_shmem")


DOUBLE_COUNTING = (
    TermRule("double_counted", double_counted),
    TermRule("ksm", merged_pages),
    TermRule("unread_processes", not_read),
)
CHARGING = (
    TermRule("unread_processes", unread_processes),
    TermRule("alike_processes", alike_processes),
    TermRule("lent_anon", lent_anon),
    TermRule("borrowed_anon", borrowed_anon),
    *DETACHED_RULES,
    TermRule("rings", ring_pages),
    TermRule("lent_file", lent_file),
    TermRule("borrowed_file", borrowed_file),
    TermRule("unmapped_shmem", unmapped_shmem),
    TermRule("unmapped_cache", unmapped_cache),
    *KERNEL_RULES,
    TermRule("rounding", rounding),
)
