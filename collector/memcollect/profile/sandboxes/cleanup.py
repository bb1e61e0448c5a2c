"""Deleting what a run made, and only that; then looking what the nodes still hold of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from memcollect.documents.run import Event, NodeEvidence
from memcollect.documents.snapshot import Missing
from memcollect.errors import CollectorError, DeniedError, UnauthorizedError
from memcollect.evidence.patience import PATIENCE_SECONDS
from memcollect.evidence.telling import counted
from memcollect.kubernetes.objects import Pod
from memcollect.profile.node_evidence import Nodes
from memcollect.profile.record import Record
from memcollect.profile.sandboxes.source import Sandbox, Source
from memcollect.profile.tools import Tools, Workshop
from memcollect.sources.plain import plain

GONE_SECONDS = 120.0
"""Kubernetes gives a pod 30 s to end by itself; then its kubelet needs a moment."""
_REFUSED_SECONDS = 5.0
"""An API server that refuses for so long will not let us see them go: a token's renewal takes less."""
_PAUSE_SECONDS = 0.25
_LEFTOVER_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Cleaner:
    """Deletes sandboxes and sees them go."""

    source: Source
    workshop: Workshop
    tools: Tools
    record: Record
    gone_seconds: float = GONE_SECONDS
    say: Callable[[str], None] = lambda _sentence: None

    def delete(self, sandboxes: Sequence[Sandbox], unanswered: Collection[str] = ()) -> list[Missing]:
        """Delete them and wait until their pods are gone; return what could not be deleted.

        `unanswered` are keys whose creation may still be at work, beside those that the source knows of.
        """
        if not sandboxes or not self.source.makes:
            return []
        late = self._may_come(sandboxes, {*unanswered, *self.source.unanswered})
        faults = self._ask(sandboxes)
        until = time.monotonic() + self.source.late_seconds
        faults = {**self._wait([each for each in sandboxes if each not in late]), **faults}
        self._see_late(late, until, faults)
        return [each for each in map(partial(self._told, faults), sandboxes) if each is not None]

    def sweep(self, events: Sequence[Event]) -> list[Missing]:
        """Delete whatever earlier parts of the run have left. Raises a ClusterError."""
        sandboxes = self.source.left_behind(self.tools, not_deleted(events))
        if sandboxes:
            self.say(f"deleting {_counted(sandboxes)} that an earlier part of this run has left")
        # Of the last requests of a process that has died nobody knows the answer.
        return self.delete(sandboxes, asked_since(events, time.time() - 2 * self.source.late_seconds))

    def _ask(self, sandboxes: Sequence[Sandbox]) -> dict[str, str]:
        """Ask for their deletion; return by pod why that failed."""
        work = self.workshop.begin(self.source.delete, sandboxes)
        while not work.wait(_PAUSE_SECONDS):
            pass
        return {sandboxes[number].pod: plain(str(error)) for number, error in work.errors.items()}

    def _wait(self, sandboxes: Sequence[Sandbox]) -> dict[str, str]:
        """Wait until their pods are gone; return by pod that it is not, or that nobody may see it."""
        began = time.monotonic()
        seen = began
        why = f"its pod is still there after {self.gone_seconds:g} s"
        left = {each.pod for each in sandboxes}
        while left:
            there = self._look([each for each in sandboxes if each.pod in left])
            now = time.monotonic()
            if isinstance(there, CollectorError):
                refused = isinstance(there, DeniedError | UnauthorizedError) and now > seen + _REFUSED_SECONDS
                if refused or now > began + self.gone_seconds:
                    why = f"whether its pod is gone is not known: {plain(str(there))}"
                    break
            else:
                seen = now
                left &= there.keys()
                if now > began + self.gone_seconds:
                    break
            if left:
                time.sleep(_PAUSE_SECONDS)
        return dict.fromkeys(left, why)

    def _look(self, sandboxes: Sequence[Sandbox]) -> dict[str, Pod] | CollectorError:
        try:
            return self.source.look(self.tools, sandboxes)
        except CollectorError as error:
            self.record.event("look-failed", detail=plain(str(error)))
            return error

    def _come(self, sandboxes: Sequence[Sandbox]) -> dict[str, Pod]:
        there = self._look(sandboxes)
        return {} if isinstance(there, CollectorError) else there

    def _may_come(self, sandboxes: Sequence[Sandbox], unanswered: Collection[str]) -> list[Sandbox]:
        """Return those whose pod has not come yet, and may come after their deletion."""
        unsure = [each for each in sandboxes if each.key in unanswered]
        if not unsure or not self.source.late_seconds:
            return []
        there = self._come(unsure)
        come = {name for name, pod in there.items() if pod.metadata.deletion_timestamp is None}
        return [each for each in unsure if each.pod not in come]

    def _see_late(self, late: Sequence[Sandbox], until: float, faults: dict[str, str]) -> None:
        """Delete those that come after all, and change `faults` by what then comes of it."""
        if late:
            seconds = max(0.0, until - time.monotonic())
            self.say(f"{_counted(late)} may come late, after no answer: looking for {seconds:.0f} s")
        while late:
            there = self._come(late)
            come = [each for each in late if each.pod in there]
            for each in come:
                self.record.event("came-late", name=each.key)
                faults.pop(each.pod, None)
            if come:
                errors = self._ask(come)
                faults |= {**self._wait(come), **errors}
            late = [each for each in late if each not in come]
            if time.monotonic() > until:
                break
            time.sleep(_PAUSE_SECONDS)

    def _told(self, faults: Mapping[str, str], sandbox: Sandbox) -> Missing | None:
        why = faults.get(sandbox.pod)
        if why is None:
            self.record.event("deleted", name=sandbox.key)
            return None
        self.record.event("not-deleted", name=sandbox.key, detail=why)
        name = sandbox.pod_name
        return Missing(kind="sandbox", name=name, reason="not-deleted", detail=why)


def _counted(sandboxes: Sequence[Sandbox]) -> str:
    return counted(len(sandboxes), "sandbox", "sandboxes")


def leftovers(
    nodes: Nodes,
    names: Sequence[str],
    uids: Sequence[str],
    missing: list[Missing],
    say: Callable[[str], None] = lambda _sentence: None,
) -> list[NodeEvidence]:
    """Return the nodes' evidence after a deletion, as it is once nothing is left of the pods, or at last.

    A kubelet removes a pod's cgroup some seconds after the API has the pod no more. A node that held some and
    then does not answer is asked again: what is not known is not gone.
    """
    began = time.monotonic()
    holding: dict[str, str] = {}
    while True:
        told: list[Missing] = []
        found = nodes.look("after", names, uids, told)
        waited = time.monotonic() - began
        before, holding = holding, {**holding, **{each.node: _held(each) for each in found}}
        holding = {node: what for node, what in holding.items() if what}
        if not holding or waited >= PATIENCE_SECONDS:
            missing += told
            return [msgspec.structs.replace(each, waited_seconds=round(waited, 3)) for each in found]
        if holding != before:
            what = "; ".join(f"node {plain(node)} holds {what}" for node, what in sorted(holding.items()))
            say(f"deleted, and {what}: looking again for {PATIENCE_SECONDS:g} s at most")
        time.sleep(_LEFTOVER_PAUSE_SECONDS)


def _held(look: NodeEvidence) -> str:
    parts = (
        counted(look.leftover_cgroups, "cgroup") if look.leftover_cgroups else "",
        counted(len(look.leftover_processes), "process", "processes") if look.leftover_processes else "",
    )
    return " and ".join(filter(None, parts))


def not_deleted(events: Iterable[Event]) -> list[str]:
    """Return the keys of sandboxes that were asked for and, so the events say, not deleted since."""
    left: dict[str, None] = {}
    for event in events:
        if event.name is not None and event.kind == "creating":
            left[event.name] = None
        elif event.name is not None and event.kind == "deleted":
            left.pop(event.name, None)
    return list(left)


def asked_since(events: Iterable[Event], moment: float) -> set[str]:
    """Return the keys of sandboxes that were asked for, or asked for again, after a moment."""
    kinds = ("creating", "reusing")
    return {e.name for e in events if e.kind in kinds and e.name is not None and e.at > moment}
