"""Deleting what a run made, and only that; then looking what the nodes still hold of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from memcollect.errors import CollectorError
from memcollect.model import Missing
from memcollect.profile.node_evidence import Nodes
from memcollect.profile.record import Record
from memcollect.profile.sandboxes import Sandbox, Source
from memcollect.profile.tools import Tools, Workshop
from memcollect.run_model import Event, NodeEvidence
from memcollect.sources.plain import plain

GONE_SECONDS = 120.0
"""Kubernetes gives a pod 30 s to end by itself; then its kubelet needs a moment."""
_LEFTOVER_SECONDS = 10.0
_PAUSE_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class Cleaner:
    """Deletes sandboxes and sees them go."""

    source: Source
    workshop: Workshop
    tools: Tools
    record: Record
    gone_seconds: float = GONE_SECONDS
    say: Callable[[str], None] = lambda _sentence: None

    def delete(self, sandboxes: Sequence[Sandbox]) -> list[Missing]:
        """Delete them and wait until their pods are gone; return what could not be deleted."""
        if not sandboxes or not self.source.makes:
            return []
        work = self.workshop.begin(self.source.delete, sandboxes)
        while not work.wait(_PAUSE_SECONDS):
            pass
        left = self._wait(sandboxes)
        faults = []
        for number, each in enumerate(sandboxes):
            error = work.errors.get(number)
            if error is None and each.pod not in left:
                self.record.event("deleted", name=each.key)
                continue
            why = plain(str(error)) if error else f"its pod is still there after {self.gone_seconds:g} s"
            self.record.event("not-deleted", name=each.key, detail=why)
            name = f"{each.namespace}/{each.pod}"
            faults.append(Missing(kind="sandbox", name=name, reason="not-deleted", detail=why))
        return faults

    def sweep(self, events: Iterable[Event]) -> list[Missing]:
        """Delete whatever earlier parts of the run have left. Raises a ClusterError."""
        sandboxes = self.source.left_behind(self.tools, not_deleted(events))
        if sandboxes:
            self.say(f"deleting {len(sandboxes)} sandboxes that an earlier part of this run has left")
        return self.delete(sandboxes)

    def _wait(self, sandboxes: Sequence[Sandbox]) -> set[str]:
        until = time.monotonic() + self.gone_seconds
        left = {each.pod for each in sandboxes}
        while left:
            try:
                left &= self.source.look(self.tools, [s for s in sandboxes if s.pod in left]).keys()
            except CollectorError as error:
                self.record.event("look-failed", detail=plain(str(error)))
            if not left or time.monotonic() > until:
                break
            time.sleep(_PAUSE_SECONDS)
        return left


def leftovers(
    nodes: Nodes, names: Sequence[str], uids: Sequence[str], missing: list[Missing]
) -> list[NodeEvidence]:
    """Return the nodes' evidence after a deletion: at once clean, or as it is after ten seconds."""
    until = time.monotonic() + _LEFTOVER_SECONDS
    while True:
        told: list[Missing] = []
        found = nodes.look("after", names, uids, told)
        if time.monotonic() > until or not any(
            each.leftover_cgroups or each.leftover_processes for each in found
        ):
            missing += told
            return found
        time.sleep(1.0)


def not_deleted(events: Iterable[Event]) -> list[str]:
    """Return the keys of sandboxes that were asked for and, so the events say, not deleted since."""
    left: dict[str, None] = {}
    for event in events:
        if event.name is not None and event.kind == "creating":
            left[event.name] = None
        elif event.name is not None and event.kind == "deleted":
            left.pop(event.name, None)
    return list(left)
