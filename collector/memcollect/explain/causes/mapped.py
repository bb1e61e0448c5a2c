"""Where what processes map and what the cgroup is charged for are not the same pages. Pure."""

from __future__ import annotations

from memcollect.accounting.facts import CHARGED_RINGS, RING_KINDS, Facts
from memcollect.accounting.rules import Amount, measured
from memcollect.accounting.steps import processes
from memcollect.explain.engine import AmountRule
from memcollect.units import human_bytes


def _rss_words(facts: Facts) -> dict[str, str]:
    return {"rss": human_bytes(facts["procs.rss"]), "pss": human_bytes(facts["procs.pss"])}


def _borrowed_words(facts: Facts) -> dict[str, str]:
    """Return what else such pages may be, by what was looked at."""
    looked = "procs.rings_unread" in facts and not facts["procs.rings_unread"]
    rings = "ring buffers (perf, packet sockets, io_uring, BPF), which count as kernel memory or to nobody"
    return {"else_": "a driver's, mapped from its device" if looked else rings}


def _ring_words(facts: Facts) -> dict[str, str]:
    sizes = {kind: facts[f"procs.rings_{kind}"] for kind in RING_KINDS}
    kinds = [f"{human_bytes(size)} {RING_KINDS[kind]}" for kind, size in sizes.items() if size]
    charged = [kind in CHARGED_RINGS for kind, size in sizes.items() if size]
    if not any(charged):
        return {"kinds": ", ".join(kinds), "charged": "no cgroup is charged for it"}
    whose = "what is BPF's or io_uring's" if not all(charged) else "it"
    where = "charged to its maker's cgroup as kernel memory"
    rest = "" if all(charged) else ", the rest to none"
    return {"kinds": ", ".join(kinds), "charged": f"{whose} is {where}{rest}"}


def _unread_words(facts: Facts) -> dict[str, str]:
    unread, most = facts["procs.unread"], human_bytes(facts["procs.unread_rss"])
    # Facts tell of what was not read in one sentence for each reason, which holds the remedy.
    told = {"unread": counted(unread, "process"), "most": most, "why": facts.reason("procs.unread_why")}
    return told | {"them": "it" if unread == 1 else "them"}


def _sharing(facts: Facts) -> Amount | None:
    if "procs.sharing_rss" not in facts:
        return None
    rss = facts["procs.sharing_rss"]
    return measured(rss, f"Σ Rss {rss} of processes that share another one's address space")


def _sharing_words(facts: Facts) -> dict[str, str]:
    count = facts["procs.sharing"]
    return {"sharing": counted(count, "process"), "share": "shares" if count == 1 else "share"}


def _alike(facts: Facts) -> Amount | None:
    amount = facts[processes.alike_processes]
    return None if amount is None else Amount(-amount.interval, amount.confidence, amount.evidence)


def _alike_words(facts: Facts) -> dict[str, str]:
    count = facts["procs.alike"]
    return {"alike": counted(count, "process"), "have": "has" if count == 1 else "have"}


def counted(count: int, what: str) -> str:
    """Return "1 process", "3 processes"."""
    return f"{count} {what}" if count == 1 else f"{count} {what}{'es' if what.endswith('s') else 's'}"


MAPPED_RULES = (
    AmountRule(
        "double_counted",
        processes.double_counted,
        "Adding up RSS gives {rss}; {amount} of that is pages counted again in every process that maps them,"
        " here or in other pods (shared libraries, forked workers). The fair share (PSS) is {pss}.",
        words=_rss_words,
    ),
    AmountRule(
        "ksm",
        processes.merged_pages,
        "{amount} is pages of the same content that KSM has merged: ps counts each of them, and the cgroup"
        " pays for one in very many.",
    ),
    AmountRule(
        "borrowed_anon",
        processes.borrowed_anon,
        "{amount} of private memory is mapped here but charged to another cgroup: the process was moved here,"
        " or it shares pages with a parent elsewhere.",
    ),
    AmountRule(
        "lent_anon",
        processes.lent_anon,
        "{amount} of private memory is charged here but mapped by no process of this cgroup: its process was"
        " moved away, or forked into another cgroup.",
    ),
    AmountRule(
        "borrowed_file",
        processes.borrowed_file,
        "{amount} of file pages is mapped here and not charged here: another cgroup read them first and pays,"
        " or did and is gone, or they are {else_}.",
        "Identical pods differ by this: the first to start pays for the shared image pages.",
        words=_borrowed_words,
    ),
    AmountRule(
        "rings",
        processes.ring_pages,
        "{amount} is memory of the kernel that processes here map ({kinds}): ps counts it as pages of files,"
        " and {charged}.",
        words=_ring_words,
    ),
    AmountRule(
        "lent_file",
        processes.lent_file,
        "{amount} of file pages is charged here but mapped by processes elsewhere: they were read here first,"
        " and this cgroup pays.",
    ),
    AmountRule(
        "unread_processes",
        processes.unread_processes,
        "PSS is not known of {unread}, of {most} RSS: {amount} of the charge is put down to {them}.",
        "Why: {why}.",
        severity="warning",
        least_bytes=0,
        words=_unread_words,
    ),
    AmountRule(
        "sharing_processes",
        _sharing,
        "{sharing} {share} another one's address space (vfork, CLONE_VM, gVisor's stubs): ps adds {amount}"
        " again, PSS here does not.",
        words=_sharing_words,
    ),
    AmountRule(
        "alike_processes",
        _alike,
        "{alike} {have} the very numbers of another and may be the same address space (vfork, CLONE_VM):"
        " {amount} of their PSS is put down to counting it twice, for no more is charged here.",
        "A kernel with kcmp (CONFIG_KCMP), and the right to use it, would tell.",
        words=_alike_words,
    ),
)
