"""Getting sandboxes: asked for all at once, and watched from the first moment until they are ready."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from memcollect.errors import ClusterError
from memcollect.model import Missing
from memcollect.profile.actions import Stopped
from memcollect.profile.record import Record
from memcollect.profile.sandboxes import Sandbox, SandboxError, Source, with_uid
from memcollect.profile.startup import Watch, startup
from memcollect.profile.tools import Tools, Work, Workshop
from memcollect.run_model import Startup
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

    def gather(self, keys: Sequence[str]) -> Gathered:
        """Ask for a sandbox for every key and wait until each is ready, has failed or is late.

        What was asked for is in the events before it is asked for. Raises nothing that one sandbox's
        trouble could cause.
        """
        places = [self.source.place(key) for key in keys]
        if self.source.makes:
            for each in places:
                self.record.event("creating", name=each.key)
        work = self.workshop.begin(self._make, places)
        watch = Watch(places)
        self._look(watch, places, work)
        asked = [work.results.get(number, each) for number, each in enumerate(places)]
        return self._summed(asked, watch)

    def again(self, sandbox: Sandbox) -> Gathered:
        """Take a released sandbox again and wait until its pod is ready."""
        self.record.event("reusing", name=sandbox.key)
        asked = msgspec.structs.replace(sandbox, uid="", requested_at=time.time())
        work = self.workshop.begin(self._reuse, [asked])
        watch = Watch([asked])
        # Its old pod may be ready all the while: what counts is what is there once the answer has come.
        while not work.wait(self.poll) and not self.stopped():
            pass
        if work.errors:
            watch.give_up(asked.pod, plain(str(work.errors[0])))
        self._look(watch, [asked])
        return self._summed([asked], watch)

    def see(self, sandbox: Sandbox) -> Gathered:
        """Wait until the pod of a sandbox is ready, whoever has brought it back."""
        asked = msgspec.structs.replace(sandbox, uid="")
        watch = Watch([asked])
        self._look(watch, [asked])
        return self._summed([asked], watch)

    def _make(self, tools: Tools, sandbox: Sandbox) -> Sandbox:
        if self.stopped():
            raise SandboxError("Ctrl-C came before it was asked for.")
        asked = msgspec.structs.replace(sandbox, requested_at=time.time() if self.source.makes else None)
        self.source.make(tools, asked)
        return asked

    def _reuse(self, tools: Tools, sandbox: Sandbox) -> Sandbox:
        self.source.reuse(tools, sandbox)
        return sandbox

    def _look(
        self, watch: Watch, places: Sequence[Sandbox], work: Work[Sandbox, Sandbox] | None = None
    ) -> None:
        until = time.monotonic() + self.ready_within
        while watch.waiting and time.monotonic() < until and not self.stopped():
            began = time.monotonic()
            try:
                watch.see(self.source.look(self.tools, places), time.time())
            except ClusterError as error:
                self.record.event("look-failed", detail=plain(str(error)))
            for number, failure in list(work.errors.items()) if work else ():
                watch.give_up(places[number].pod, plain(str(failure)))
            if watch.waiting:
                time.sleep(max(0.0, self.poll - (time.monotonic() - began)))
        # What is still being asked for must be known before anything is deleted.
        while work is not None and not work.wait(0.2) and time.monotonic() < until + self.ready_within:
            pass

    def _summed(self, asked: Sequence[Sandbox], watch: Watch) -> Gathered:
        known = [with_uid(each, watch.pods[each.pod]) if each.pod in watch.pods else each for each in asked]
        ready = [each for each in known if each.pod in watch.ready]
        startups, missing = [], []
        pulled = self._pulled(known)
        for each in known:
            reason = "" if each.pod in watch.ready else watch.why_not(each.pod, self.ready_within)
            if reason:
                missing.append(
                    Missing(
                        kind="sandbox", name=f"{each.namespace}/{each.pod}", reason="not-ready", detail=reason
                    )
                )
            if self.source.makes:
                row = startup(each, watch, poll_seconds=self.poll, pulled=pulled.get(each.uid), reason=reason)
                startups.append(row)
                self.record.event("ready" if not reason else "not-ready", name=each.key, detail=reason)
        nodes = {each.uid: watch.pods[each.pod].spec.node_name or "" for each in ready}
        return Gathered(asked=known, ready=ready, nodes=nodes, startups=startups, missing=missing)

    def _pulled(self, sandboxes: Sequence[Sandbox]) -> dict[str, bool | None]:
        """Return by UID whether an image was pulled for it; all are of one namespace."""
        uids = [each.uid for each in sandboxes if each.uid] if self.source.makes else []
        return images_pulled(self.tools.api, sandboxes[0].namespace, uids) if uids else {}
