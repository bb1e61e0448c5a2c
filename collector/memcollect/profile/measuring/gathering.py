"""Getting sandboxes: asked for all at once, and watched from the first moment until they are ready."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from memcollect.documents.run import Startup
from memcollect.documents.snapshot import Missing
from memcollect.errors import ClusterError
from memcollect.profile.measuring.startup import Watch, startup
from memcollect.profile.measuring.steady import steady_time
from memcollect.profile.record import Record
from memcollect.profile.sandboxes.source import Sandbox, SandboxError, Source, with_uid
from memcollect.profile.tools import Tools, Work, Workshop
from memcollect.sources.deadline import Stopped
from memcollect.sources.plain import plain
from memcollect.sources.pod_lifecycle import images_pulled


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """Sandboxes that are ready, and what became of all that were asked for."""

    asked: list[Sandbox]
    ready: list[Sandbox]
    nodes: dict[str, str]
    """Node by the UID of a ready sandbox's pod."""
    startups: list[Startup] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)


class _Asking:
    """Asks a source for sandboxes until it is over; `at` tells by key when each was asked for."""

    def __init__(self, source: Source, stopped: Stopped) -> None:
        self.at: dict[str, float] = {}
        self.over = threading.Event()
        self._source = source
        self._stopped = stopped

    def make(self, tools: Tools, sandbox: Sandbox) -> None:
        """Ask for one. Raises CollectorError."""
        if self._stopped():
            raise SandboxError("Interrupted before it was asked for.")
        if self.over.is_set():
            raise SandboxError("It was not asked for in time.")
        if self._source.makes:
            # Whatever comes of it: a creation that fails may have worked.
            self.at[sandbox.key] = steady_time()
        self._source.make(tools, sandbox)


@dataclass(frozen=True, kw_only=True)
class Gatherer:
    """Asks a source for sandboxes. `ready_within` and `poll` are seconds."""

    source: Source
    workshop: Workshop
    tools: Tools
    record: Record
    ready_within: float
    poll: float
    stopped: Stopped
    uids: dict[str, list[str]] = field(default_factory=dict)
    """By key, of every pod that was ever seen of that sandbox: the last one's last."""

    def gather(self, keys: Sequence[str]) -> Gathered:
        """Ask for a sandbox for every key and wait until each is ready, has failed or is late.

        What was asked for is in the events before it is asked for. Raises nothing that one sandbox's
        trouble could cause.
        """
        places = [self.source.place(key) for key in keys]
        if self.source.makes:
            for each in places:
                self.record.event("creating", name=each.key)
        asking = _Asking(self.source, self.stopped)
        work = self.workshop.begin(asking.make, places)
        watch = Watch(places)
        when = self._look(watch, places, work)
        # Whoever gathered deletes next: what is still in the queue would come after its deletion.
        asking.over.set()
        asked = [msgspec.structs.replace(each, requested_at=asking.at.get(each.key)) for each in places]
        return self._summed(asked, watch, when)

    def again(self, sandbox: Sandbox) -> Gathered:
        """Take a released sandbox again and wait until its pod is ready."""
        self.record.event("reusing", name=sandbox.key)
        asked = msgspec.structs.replace(sandbox, uid="", requested_at=steady_time())
        work = self.workshop.begin(self.source.reuse, [asked])
        watch = Watch([asked])
        # Its old pod may be ready all the while: what counts is what is there once the answer has come.
        while not work.wait(self.poll) and not self.stopped():
            pass
        if work.errors:
            watch.give_up(asked.pod, plain(str(work.errors[0])))
        when = self._look(watch, [asked])
        return self._summed([asked], watch, when)

    def see(self, sandbox: Sandbox) -> Gathered:
        """Wait until the pod of a sandbox is ready, whoever has brought it back."""
        asked = msgspec.structs.replace(sandbox, uid="")
        watch = Watch([asked])
        when = self._look(watch, [asked])
        seen = self._summed([asked], watch, when)
        # When somebody else asked for a pod that is new is not known here.
        rows = [msgspec.structs.replace(row, requested_at=None) for row in seen.startups]
        return replace(seen, startups=rows)

    def _look(self, watch: Watch, places: Sequence[Sandbox], work: Work[Sandbox, None] | None = None) -> str:
        """Look until nothing is waited for any more; return until when that was, in words."""
        until = time.monotonic() + self.ready_within
        while watch.waiting and time.monotonic() < until and not self.stopped():
            began = time.monotonic()
            try:
                watch.see(self.source.look(self.tools, places), steady_time())
            except ClusterError as error:
                self.record.event("look-failed", detail=plain(str(error)))
            _give_up(watch, places, work)
            if watch.waiting:
                time.sleep(max(0.0, self.poll - (time.monotonic() - began)))
        cut_short = bool(watch.waiting) and time.monotonic() < until
        # What is still being asked for must be known before anything is deleted.
        while work is not None and not work.wait(0.2) and time.monotonic() < until + self.ready_within:
            pass
        _give_up(watch, places, work)
        return "when it was interrupted" if cut_short else f"within {self.ready_within:g} s"

    def _summed(self, asked: Sequence[Sandbox], watch: Watch, when: str) -> Gathered:
        known = [with_uid(each, watch.pods[each.pod]) if each.pod in watch.pods else each for each in asked]
        ready, nodes, startups, missing = [], {}, [], []
        pulled = self._pulled(known)
        # A pod may be called otherwise than what was asked for.
        for each, seen in zip(asked, known, strict=True):
            self._remember(each.key, watch.uids.get(each.pod, ()))
            reason = "" if each.pod in watch.ready else watch.why_not(each.pod, when)
            if each.pod in watch.ready:
                ready.append(seen)
                nodes[seen.uid] = watch.pods[each.pod].spec.node_name or ""
            if reason:
                missing.append(Missing(kind="sandbox", name=seen.pod_name, reason="not-ready", detail=reason))
            if self.source.makes:
                row = startup(each, watch, poll_seconds=self.poll, pulled=pulled.get(seen.uid), reason=reason)
                startups.append(row)
                self.record.event("ready" if not reason else "not-ready", name=each.key, detail=reason)
        return Gathered(asked=known, ready=ready, nodes=nodes, startups=startups, missing=missing)

    def _remember(self, key: str, uids: Iterable[str]) -> None:
        known = self.uids.setdefault(key, [])
        known += [each for each in uids if each not in known]

    def _pulled(self, sandboxes: Sequence[Sandbox]) -> dict[str, bool | None]:
        """Return by UID whether an image was pulled for it; all are of one namespace."""
        uids = [each.uid for each in sandboxes if each.uid] if self.source.makes else []
        return images_pulled(self.tools.api, sandboxes[0].namespace, uids) if uids else {}


def _give_up(watch: Watch, places: Sequence[Sandbox], work: Work[Sandbox, None] | None) -> None:
    """Wait no more for those that could not be asked for."""
    for number, failure in list(work.errors.items()) if work is not None else ():
        watch.give_up(places[number].pod, plain(str(failure)))
