"""What is to be said of a sandboxed pod: what the host can see, what it cannot, and why kubectl top differs.

Pure. One rule per cause; every rule may stay silent. What should be known and is not is undecided, with
the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from memcollect.accounting.interval import Interval, total
from memcollect.accounting.rules import Amount
from memcollect.documents.snapshot import Finding, Pod, Undecided
from memcollect.explain.engine import size_in_words
from memcollect.explain.guest import (
    BACKINGS,
    SHIMS,
    Guest,
    Scope,
    guest_amount,
    guests_of,
    host_cache,
    mappers,
    own_pss,
    scopes_of,
    shared_clean_bytes,
    sharers,
)
from memcollect.explain.holder import LOOK_INSIDE
from memcollect.explain.places import short
from memcollect.explain.pools import pool_findings
from memcollect.join.recognise import HOLDERS
from memcollect.join.roles import app_containers
from memcollect.join.whole import charge_of, whole_of
from memcollect.units import MIB, human_bytes

SANDBOXED = frozenset({"gvisor", "kata", "firecracker", "cube", "vm"})
LEAST_CACHE_SHARE = 0.1
"""Of the bill: so much page cache changes what a reader would do."""
IN_ONE_CGROUP = "Set sandbox_cgroup_only=true in Kata: then all of it is charged in one cgroup."
RUNTIME_NAMES = {
    "gvisor": "gVisor",
    "kata": "Kata",
    "firecracker": "Firecracker",
    "cube": "CubeSandbox",
    "vm": "virtual-machine",
}
PROGRAMS = {
    "sentry": "the Sentry",
    "sentry-stub": "the Sentry's stubs",
    "gofer": "the gofer",
    "vmm": "the VMM",
    "kata-shim": "the shim",
    "cube-shim": "the shim with its VMM",
    "virtiofsd": "virtiofsd",
    "nydusd": "nydusd",
    "jailer": "the jailer",
}
OPAQUE = {
    "gvisor": "Guest composition is not visible from the host: processes, heaps and page cache of the"
    " guest are"
    " all inside that one memfd.",
    "": "Guest composition is not visible from the host: the guest's page cache looks like its heaps, and"
    " memory that the guest has freed stays charged unless a balloon or free page reporting gives it back.",
}


PEER_POD = (
    "its handler's name is that of Kata's peer pods, whose guest is a machine of its own elsewhere: no memory"
    " of this node is the guest's, and that machine's is in none of these numbers"
)
WITH_FILES = (
    "Guest composition is not visible from the host: processes and heaps of the guest are inside that one"
    " memfd; what it wrote to its root filesystem is in a file beside it."
)


@dataclass(frozen=True)
class View:
    """A sandboxed pod as the rules see it."""

    pod: Pod
    scopes: list[Scope]
    guests: list[Guest]

    @property
    def bill(self) -> int | None:
        """Everything the host charges for it, in bytes: the pod's cgroup and those outside; each once."""
        return whole_of(self.pod, charge_of)


Rule = Callable[[View], Iterator[Finding]]


def find_runtime(pod: Pod) -> tuple[list[Finding], list[Undecided]]:
    """Return the findings and open questions that the pod's runtime raises; none for an ordinary one."""
    findings = [*_disagreement(pod), *pool_findings(pod)]
    if pod.runtime.family not in SANDBOXED or pod.cgroup is None:
        return findings, []
    scopes = scopes_of(pod)
    view = View(pod, scopes, guests_of(scopes))
    return [*findings, *(each for rule in RULES for each in rule(view))], _undecided(view)


def sandbox_verdict(pod: Pod) -> str | None:
    """Return the verdict's opening for a sandboxed pod whose guest's memory was found; None for others."""
    if pod.runtime.family not in SANDBOXED:
        return None
    view = View(pod, scopes := scopes_of(pod), guests_of(scopes))
    if not view.guests or view.bill is None:
        return None
    name = RUNTIME_NAMES[pod.runtime.family]
    every = [part for guest in view.guests for part in guest.by_backing()]
    ordinary = [each for each in every if each.backing not in {"hugetlb", "filestore"}]
    huge = [each for each in every if each.backing == "hugetlb"]
    stored = [each for each in every if each.backing == "filestore"]
    and_pod = "" if pod.kind == "sandbox" else " and the pod's"
    parts = []
    if ordinary:
        guest = total(guest_amount(each).interval for each in ordinary)
        share = _bounded(guest, view.bill)
        parts.append(
            f"{size_in_words(share)} of {human_bytes(view.bill)} charged for this {name} sandbox is its"
            " guest's memory, opaque to the host"
        )
        files = total(guest_amount(each).interval for each in stored)
        if stored:
            parts.append(f"{size_in_words(files)} is files that it wrote, cached from the host's disk")
        own = max(0, view.bill - share.estimate - files.estimate)
        cache = min(own, sum(host_cache(each, view.guests) for each in view.scopes))
        told = (
            f", {human_bytes(cache)} of it the host's page cache"
            if cache >= LEAST_CACHE_SHARE * view.bill
            else ""
        )
        parts.append(f"{human_bytes(own)} is the runtime's own cost{and_pod}{told}")
    if huge:
        size = total(guest_amount(each).interval for each in huge)
        parts.append(f"{size_in_words(size)} of guest memory is huge pages, beside what is charged")
    if huge and not ordinary:
        parts.append(f"{human_bytes(view.bill)} is charged: the runtime's own cost{and_pod}")
    return "; ".join(parts) + "."


def _bounded(guest: Interval, bill: int) -> Interval:
    return guest.at_most(bill)


def _disagreement(pod: Pod) -> Iterator[Finding]:
    if pod.runtime.disagreement:
        yield Finding(
            cause="runtime_disagreement",
            scope="pod",
            severity="warning",
            sentence=pod.runtime.disagreement,
            evidence="; ".join(pod.runtime.evidence),
            remedy="Check the RuntimeClass's handler and the node's containerd or CRI-O configuration.",
        )


def _guest_memory(view: View) -> Iterator[Finding]:
    for guest in view.guests:
        if guest.is_moved:
            yield _left_behind(view, guest)
            continue
        parts = guest.by_backing()
        for part in parts:
            yield _part(view, part, has_files=any(each.backing == "filestore" for each in parts))


def _part(view: View, guest: Guest, *, has_files: bool) -> Finding:
    amount = guest_amount(guest)
    kind = "Sentry" if guest.is_sentrys else "VMM"
    is_stored = guest.backing == "filestore"
    name = f" ({guest.name.rsplit('/', 1)[-1] if is_stored else guest.name})" if guest.name else ""
    beside = ", beside memory.current and not in it" if guest.backing == "hugetlb" else ""
    opaque = WITH_FILES if has_files else OPAQUE.get(view.pod.runtime.family, OPAQUE[""])
    sentence = (
        f"{size_in_words(amount.interval)} is the guest's{'' if is_stored else ' memory'}:"
        f" {BACKINGS[guest.backing]}{name}{beside}. The {kind} holds it in {guest.scope.place}."
        + ("" if is_stored else f" {opaque}")
    )
    remedy = "Delete files inside the sandbox to free their cache at once." if is_stored else LOOK_INSIDE
    return _held(guest, amount, sentence, remedy)


def _left_behind(view: View, guest: Guest) -> Finding:
    amount = guest_amount(guest)
    helpers = {PROGRAMS.get(each.kind, each.kind) for each in mappers(guest, guest.scope.hints)}
    filled = f", or filled by {' and '.join(sorted(helpers))}" if helpers else ""
    more = " more" if any(not each.is_moved for each in view.guests) else ""
    beside = " (huge pages, beside memory.current)" if guest.backing == "hugetlb" else ""
    sentence = (
        f"{size_in_words(amount.interval)}{more} of the guest's memory{beside} is charged in"
        f" {guest.scope.place}: touched before the VMM was moved to the cgroup that it is in now{filled}. A"
        " charge does not move with its process."
    )
    is_kata = view.pod.runtime.family == "kata"
    return _held(guest, amount, sentence, IN_ONE_CGROUP if is_kata else "")


def _held(guest: Guest, amount: Amount, sentence: str, remedy: str) -> Finding:
    return Finding(
        cause="guest_memory",
        scope=guest.scope.name,
        low_bytes=amount.interval.low,
        high_bytes=amount.interval.high,
        estimate_bytes=amount.interval.estimate,
        confidence=amount.confidence,
        severity="notice",
        sentence=sentence,
        evidence=amount.evidence,
        remedy=remedy,
    )


def _runtime_own(view: View) -> Iterator[Finding]:
    """Yield what the runtime itself costs in each scope: its charge without the guest's memory."""
    for scope in view.scopes if view.guests else ():
        if scope.charge is None or not any(hint.kind in PROGRAMS for hint in scope.hints):
            continue
        guests = [each for each in view.guests if each.scope is scope]
        parts = [part for guest in guests for part in guest.by_backing() if part.backing != "hugetlb"]
        in_charge = total(guest_amount(part).interval for part in parts)
        own = (Interval.exactly(scope.charge) - in_charge).at_least(0)
        yield Finding(
            cause="runtime_own",
            scope=scope.name,
            low_bytes=own.low,
            high_bytes=own.high,
            estimate_bytes=own.estimate,
            confidence="bounded",
            sentence=f"{size_in_words(own)} beside the guest's memory is the runtime's own cost"
            f"{_shares(view, scope, own)}.",
            evidence=f"memory.current {scope.charge} − the guest's memory {in_charge.estimate}",
        )


def _shares(view: View, scope: Scope, own: Interval) -> str:
    """Return what of it is whose, in brackets; "" where no process told its own."""
    guest = next((each for each in view.guests if each.scope is scope), view.guests[0])
    shares: dict[str, int] = {}
    for hint in scope.hints:
        size = own_pss(hint, guest)
        if size is not None and size > 0:
            name = PROGRAMS.get(hint.kind, hint.kind)
            shares[name] = shares.get(name, 0) + size
    if not shares:
        return ""
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    named = ", ".join(f"{name} {human_bytes(size)}" for name, size in ordered)
    if sum(shares.values()) >= own.estimate:
        # PSS may hold file pages that another cgroup pays for, and then there is no rest.
        return f" (by PSS: {named})"
    cache = host_cache(scope, view.guests)
    of_cache = f", {human_bytes(cache)}" if cache >= MIB else ""
    return f" (by PSS: {named}; the rest is kernel memory and page cache{of_cache})"


def _mapped_again(view: View) -> Iterator[Finding]:
    """Yield the warning not to add up RSS, where several processes map the guest's memory."""
    hints = [hint for scope in view.scopes for hint in scope.hints]
    for guest in view.guests:
        if guest.is_moved:
            continue
        several = mappers(guest, hints)
        names = {(each.backing, each.name) for each in guest.regions}
        sizes = [sum(r.rss_bytes for r in hint.regions if (r.backing, r.name) in names) for hint in several]
        again = sum(sizes) - max(sizes, default=0)
        if again < MIB:
            continue
        who = " and ".join(sorted({PROGRAMS.get(hint.kind, hint.kind) for hint in several}))
        yield Finding(
            cause="guest_mapped_again",
            scope=guest.scope.name,
            low_bytes=again,
            high_bytes=again,
            estimate_bytes=again,
            confidence="measured",
            sentence=f"{len(several)} processes ({who}) map the same guest memory: adding up their RSS counts"
            f" {human_bytes(again)} of it more than once. It is charged once.",
            evidence=f"Σ Rss of it {sum(sizes)}, of the largest alone {max(sizes)}",
        )


def _snapshots(view: View) -> Iterator[Finding]:
    for guest in (each for each in view.guests if not each.is_moved):
        for region in guest.regions:
            if region.backing != "file" or not region.private:
                continue
            clean, share = shared_clean_bytes(region)
            count = sharers(region)
            sandboxes = f"{count} sandboxes" if count and count > 1 else "this sandbox alone"
            written = human_bytes(region.anon_bytes or 0)
            yield Finding(
                cause="snapshot",
                scope=guest.scope.name,
                low_bytes=share,
                high_bytes=share,
                estimate_bytes=share,
                confidence="inferred",
                sentence=f"The guest runs from the snapshot {region.name}: {human_bytes(clean)} of its"
                f" pages are"
                f" clean and mapped by {sandboxes}, a fair share of {human_bytes(share)} each; {written} were"
                " written, are anonymous now and are this sandbox's alone. The clean pages are charged to"
                " whoever touched them first: another sandbox, or what wrote or fetched the file.",
                evidence=f"smaps of {guest.holder.pid}: Rss {region.rss_bytes}, Pss {region.pss_bytes},"
                f" Anonymous {region.anon_bytes}",
            )


def _outside(view: View) -> Iterator[Finding]:
    apart = [each for each in view.pod.outside if each.role != "started"]
    if not apart:
        return
    paths = [each.cgroup.path if each.cgroup is not None else each.name for each in apart]
    charges = [each.cgroup.current_bytes if each.cgroup is not None else None for each in apart]
    known = [charge for charge in charges if charge is not None]
    size = sum(known) if len(known) == len(charges) else None
    amount = human_bytes(size) if size is not None else "An unknown amount"
    uid = view.pod.uid.lower()
    marks = {"UID" if uid in path.replace("_", "-") else "sandbox id" for path in paths}
    bear = "bears the pod's" if len(paths) == 1 else "bear the pod's"
    yield Finding(
        cause="outside_pod",
        scope=apart[0].name if len(apart) == 1 else "pod",
        low_bytes=size,
        high_bytes=size,
        estimate_bytes=size,
        severity="notice",
        sentence=f"{amount} of its bill is charged outside of the pod's own cgroup: neither the pod's"
        f" limit nor kubectl top knows of it; {' and '.join(map(short, paths))} {bear}"
        f" {' and '.join(sorted(marks))}.",
        evidence=f"memory.current of {', '.join(paths)}; tied by the sandbox's id"
        f" {', '.join(dict.fromkeys(each.id for each in apart if each.id))}",
        remedy="Give the RuntimeClass an overhead that covers it, or set sandbox_cgroup_only=true in Kata.",
    )


def _provider(view: View) -> Iterator[Finding]:
    top = view.pod.top
    if view.pod.kind == "sandbox":
        yield Finding(
            cause="top_provider",
            scope="pod",
            sentence="kubectl top shows nothing of it: it is no Pod. It was found by looking at the"
            " node's cgroups.",
        )
        return
    if top is None or top.memory_bytes is None or view.bill is None or top.provider == "host-cgroup":
        return
    missing = view.bill - top.memory_bytes
    compared = (
        f"{human_bytes(abs(missing))} {'less' if missing >= 0 else 'more'} than the host's"
        f" {human_bytes(view.bill)}"
    )
    count = len(app_containers(view.pod))
    if top.provider == "gvisor-split":
        each = f" ({human_bytes(top.memory_bytes // count)} each)" if count > 1 else ""
        why = (
            f"the Sentry's own total, divided equally among {count}"
            f" container{'s' if count != 1 else ''}{each};"
            " no container's number says what that container uses"
        )
        left_out = "the Sentry's heap, its stubs, kernel memory and host page cache"
    elif top.provider == "gvisor-containers":
        why = "a number of the runtime's own for each container, unequal, so no split of the Sentry's total"
        left_out = "whatever of the Sentry and the host's page cache the runtime does not count"
    else:
        why = "what the guest's own cgroups count, as its agent tells"
        left_out = "the guest's kernel and free memory, and the VMM, the shim and virtiofsd"
    yield Finding(
        cause="top_provider",
        scope="pod",
        low_bytes=missing,
        high_bytes=missing,
        estimate_bytes=missing,
        severity="notice",
        sentence=f"kubectl top shows {human_bytes(top.memory_bytes)}, {compared}:"
        f" {why}; it leaves out {left_out}.",
        evidence=f"provider {top.provider}; host's charge {view.bill} − kubectl top {top.memory_bytes}",
        remedy="Size limits and nodes by the host's charge, not by this number.",
    )


def _undecided(view: View) -> list[Undecided]:
    if view.guests or view.pod.runtime.disagreement:
        return []
    unread = [
        hint for scope in view.scopes for hint in scope.hints if hint.kind in HOLDERS and hint.regions_missing
    ]
    if unread:
        reason = unread[0].regions_missing
        return [Undecided(name="guest_memory", missing=f"smaps of process {unread[0].pid}", reason=reason)]
    holders = {hint.kind for scope in view.scopes for hint in scope.hints if hint.kind in HOLDERS}
    if holders - SHIMS:
        reason = "the process that holds the guest maps no memory of a shape that is known here"
        return [Undecided(name="guest_memory", missing="guest memory", reason=reason)]
    if view.pod.runtime.family == "kata" and "remote" in (view.pod.runtime.handler or "").lower():
        return [Undecided(name="guest_memory", missing="the peer pod's machine", reason=PEER_POD)]
    name = RUNTIME_NAMES[view.pod.runtime.family]
    reason = (
        f"no process that holds a {name} guest was found in the pod's cgroups, nor in a cgroup outside that"
        " bears its sandbox id: what the guest uses is in none of these numbers"
    )
    return [Undecided(name="guest_memory", missing="the Sentry or the VMM", reason=reason)]


RULES: tuple[Rule, ...] = (
    _guest_memory,
    _runtime_own,
    _mapped_again,
    _snapshots,
    _outside,
    _provider,
)
