"""What is to be said of a sandboxed pod: what the host can see, what it cannot, and why kubectl top differs.

Pure. One rule per cause; every rule may stay silent. What should be known and is not is undecided, with
the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from memcollect.accounting.interval import Interval, total
from memcollect.documents.snapshot import Finding, Pod, Undecided
from memcollect.explain.engine import size_in_words
from memcollect.explain.guest import (
    BACKINGS,
    HOLDERS,
    Guest,
    Scope,
    guest_amount,
    guests_of,
    mappers,
    own_pss,
    scopes_of,
    shared_clean_bytes,
    sharers,
)
from memcollect.explain.places import short
from memcollect.explain.pools import pool_findings
from memcollect.join.roles import app_containers
from memcollect.units import MIB, human_bytes

SANDBOXED = frozenset({"gvisor", "kata", "firecracker", "cube", "vm"})
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
    "jailer": "the jailer",
}
SHIMS = frozenset({"kata-shim", "cube-shim"})
"""Programs that may have the VMM in them: one that maps no guest has it elsewhere."""
OPAQUE = {
    "gvisor": "Guest composition is not visible from the host: processes, heaps and page cache of the"
    " guest are"
    " all inside that one memfd.",
    "": "Guest composition is not visible from the host: the guest's page cache looks like its heaps, and"
    " memory that the guest has freed stays charged unless a balloon or free page reporting gives it back.",
}


@dataclass(frozen=True)
class View:
    """A sandboxed pod as the rules see it."""

    pod: Pod
    scopes: list[Scope]
    guests: list[Guest]

    @property
    def bill(self) -> int | None:
        """Everything the host charges for it, in bytes: the pod's cgroup and those outside; each once."""
        if self.pod.cgroup is None or self.pod.cgroup.current_bytes is None:
            return None
        outside = [each for each in self.pod.outside if each.role != "started"]
        charges = [each.cgroup.current_bytes for each in outside if each.cgroup is not None]
        known = [charge for charge in charges if charge is not None]
        return self.pod.cgroup.current_bytes + sum(known) if len(known) == len(outside) else None


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
    ordinary = [each for each in view.guests if each.backing != "hugetlb"]
    huge = [each for each in view.guests if each.backing == "hugetlb"]
    and_pod = "" if pod.kind == "sandbox" else " and the pod's"
    parts = []
    if ordinary:
        guest = total(guest_amount(each).interval for each in ordinary)
        share = _bounded(guest, view.bill)
        parts.append(
            f"{size_in_words(share)} of {human_bytes(view.bill)} charged for this {name} sandbox is its"
            " guest's memory, opaque to the host"
        )
        parts.append(f"{human_bytes(max(0, view.bill - share.estimate))} is the runtime's own cost{and_pod}")
    if huge:
        size = total(guest_amount(each).interval for each in huge)
        parts.append(f"{size_in_words(size)} of guest memory is huge pages, beside what is charged")
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
        amount = guest_amount(guest)
        kind = "Sentry" if guest.holder.kind == "sentry" else "VMM"
        name = f" ({guest.name})" if guest.name else ""
        opaque = OPAQUE.get(view.pod.runtime.family, OPAQUE[""])
        beside = ", beside memory.current and not in it" if guest.backing == "hugetlb" else ""
        yield Finding(
            cause="guest_memory",
            scope=guest.scope.name,
            low_bytes=amount.interval.low,
            high_bytes=amount.interval.high,
            estimate_bytes=amount.interval.estimate,
            confidence=amount.confidence,
            severity="notice",
            sentence=f"{size_in_words(amount.interval)} is the guest's memory:"
            f" {BACKINGS[guest.backing]}{name}"
            f"{beside}. The {kind} holds it in {guest.scope.place}. {opaque}",
            evidence=amount.evidence,
            remedy="Look at what runs inside the guest (ps, /proc/meminfo in it); from outside there is"
            " no more.",
        )


def _runtime_own(view: View) -> Iterator[Finding]:
    """Yield what the runtime itself costs in each scope: its charge without the guest's memory."""
    for guest in view.guests:
        scope = guest.scope
        if scope.charge is None:
            continue
        in_charge = guest_amount(guest).interval if guest.backing != "hugetlb" else Interval.exactly(0)
        own = (Interval.exactly(scope.charge) - in_charge).at_least(0)
        shares: dict[str, int] = {}
        for hint in scope.hints:
            size = own_pss(hint, guest)
            if size is not None and size > 0:
                shares[PROGRAMS.get(hint.kind, hint.kind)] = (
                    shares.get(PROGRAMS.get(hint.kind, hint.kind), 0) + size
                )
        named = ", ".join(
            f"{name} {human_bytes(size)}" for name, size in sorted(shares.items(), key=lambda item: -item[1])
        )
        # PSS may hold file pages that another cgroup pays for, and then there is no rest.
        rest = "; the rest is kernel memory and page cache" if sum(shares.values()) < own.estimate else ""
        yield Finding(
            cause="runtime_own",
            scope=scope.name,
            low_bytes=own.low,
            high_bytes=own.high,
            estimate_bytes=own.estimate,
            confidence="bounded",
            sentence=f"{size_in_words(own)} beside the guest's memory is the runtime's own cost"
            + (f" (by PSS: {named}{rest})." if named else "."),
            evidence=f"memory.current {scope.charge} − the guest's memory {in_charge.estimate}",
        )


def _mapped_again(view: View) -> Iterator[Finding]:
    """Yield the warning not to add up RSS, where several processes map the guest's memory."""
    for guest in view.guests:
        several = mappers(guest)
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
    for guest in view.guests:
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
                " whichever sandbox touched them first.",
                evidence=f"smaps of {guest.holder.pid}: Rss {region.rss_bytes}, Pss {region.pss_bytes},"
                f" Anonymous {region.anon_bytes}",
            )


def _outside(view: View) -> Iterator[Finding]:
    for container in (each for each in view.pod.outside if each.role != "started"):
        size = container.cgroup.current_bytes if container.cgroup is not None else None
        path = container.cgroup.path if container.cgroup is not None else container.name
        amount = human_bytes(size) if size is not None else "An unknown amount"
        yield Finding(
            cause="outside_pod",
            scope=container.name,
            low_bytes=size,
            high_bytes=size,
            estimate_bytes=size,
            severity="notice",
            sentence=f"{amount} of its bill is charged outside of the pod's own cgroup: neither the pod's"
            f" limit nor kubectl top knows of it; {short(path)} bears the pod's sandbox id.",
            evidence=f"memory.current of {path}; tied by the sandbox's id {container.id}",
            remedy="Give the RuntimeClass an overhead that covers it, or set sandbox_cgroup_only=true"
            " in Kata.",
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
