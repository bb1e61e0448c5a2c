"""A plan's source as the trial's provider: sandboxes made, released and deleted as the run's others are."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager

from memcollect.errors import ClusterError, CollectorError
from memcollect.evidence.port import Box, NotOfferedError, OperationError, Owner
from memcollect.kubernetes.objects import Pod
from memcollect.profile.evidence.images import TriedImages
from memcollect.profile.evidence.opening import Opener
from memcollect.profile.measuring.gathering import Gathered, Gatherer
from memcollect.profile.record import Record
from memcollect.profile.sandboxes.cleanup import Cleaner
from memcollect.profile.sandboxes.provisioned import ProvisionedSource
from memcollect.profile.sandboxes.selected import SelectedSource
from memcollect.profile.sandboxes.source import Sandbox, Source
from memcollect.profile.tools import Tools, Workshop
from memcollect.sources.plain import plain


class SourceProvider:
    """Its methods may be called from several threads: each call has tools of its own."""

    def __init__(self, gatherer: Gatherer, cleaner: Cleaner, opener: Opener) -> None:
        self._gatherer = gatherer
        self._cleaner = cleaner
        self._opener = opener
        self._parked: set[str] = set()
        self.there: dict[str, Sandbox] = {}
        """By the trial's key, every sandbox that was ever ready; a deleted one stays in it."""
        self.nodes: dict[str, str] = {}
        """Node by key."""
        self.images = TriedImages()
        self._taken: dict[str, int] = {}

    @property
    def source(self) -> Source:
        """Where its sandboxes come from."""
        return self._gatherer.source

    @property
    def makes(self) -> bool:
        """Whether the sandboxes are the run's own."""
        return self.source.makes

    @property
    def releases(self) -> bool:
        """Whether the source can release."""
        return self.source.releases

    @property
    def knows_users(self) -> bool:
        """Whether the source can be asked in a user's name."""
        return isinstance(self.source, ProvisionedSource) and self.source.knows_users

    def acquire(self, key: str, owner: Owner, seconds: float) -> Box:
        """Make a sandbox, or take the released one again, and wait until its interface answers."""
        until = time.monotonic() + seconds
        if isinstance(self.source, ProvisionedSource):
            self.source.own(key, owner.thread, owner.user)
        with self._tools() as tools:
            within = min(self._gatherer.ready_within, seconds)
            gatherer = dataclasses.replace(self._gatherer, tools=tools, ready_within=within)
            if key in self._parked and key in self.there:
                found = gatherer.again(self.there[key])
            else:
                found = gatherer.gather([self._source_key(key)])
            sandbox = _ready(found)
            self.images.see(_seen(self.source, tools, sandbox))
        self._parked.discard(key)
        self.there[key] = sandbox
        self.nodes[key] = found.nodes.get(sandbox.uid, "")
        return self._opener.open(sandbox, until)

    def release(self, key: str, seconds: float) -> None:  # noqa: ARG002 # a source has times of its own
        """Give it back."""
        self._record.event("releasing", name=key)
        with self._tools() as tools:
            try:
                self.source.release(tools, self.place(key))
            except CollectorError as error:
                raise OperationError("refused", plain(str(error))) from error
        self._parked.add(key)

    deletes = True

    def destroy(self, key: str, seconds: float) -> None:  # noqa: ARG002 # the cleaner has a time of its own
        """Delete it and wait until its pod is gone."""
        self._parked.discard(key)
        if not self.source.makes:
            self._taken.pop(key, None)
            raise NotOfferedError("the pods are not the run's own, so none is deleted")
        with self._tools() as tools:
            faults = dataclasses.replace(self._cleaner, tools=tools).delete([self.place(key)])
        if faults:
            raise OperationError("refused", faults[0].detail)

    def identity(self, key: str) -> str:
        """Return the UID of its pod."""
        return self.there[key].uid if key in self.there else ""

    def place(self, key: str) -> Sandbox:
        """Return a sandbox by the trial's key, whether it is there or not."""
        return self.there.get(key) or self.source.place(self._source_key(key))

    def called(self, key: str) -> str:
        """Return what names of objects that belong to it hold."""
        return key

    def _source_key(self, key: str) -> str:
        """Return what the source calls it: of pods that are there, the first that nobody has taken."""
        if not isinstance(self.source, SelectedSource):
            return key
        if key not in self._taken:
            free = set(range(1, len(self.source.names) + 1)) - set(self._taken.values())
            if not free:
                count = len(self.source.names)
                raise OperationError("capacity", f"the source has {count} pods, and all of them are in use")
            self._taken[key] = min(free)
        return f"{key}-{self._taken[key]}"

    @property
    def _record(self) -> Record:
        return self._gatherer.record

    @contextmanager
    def _tools(self) -> Iterator[Tools]:
        workshop: Workshop = self._gatherer.workshop
        tools = workshop.tools()
        try:
            yield tools
        finally:
            tools.close()


def _seen(source: Source, tools: Tools, sandbox: Sandbox) -> Pod | None:
    try:
        return source.look(tools, [sandbox]).get(sandbox.pod)
    except ClusterError:
        return None


def _ready(found: Gathered) -> Sandbox:
    if found.ready:
        return found.ready[0]
    why = found.missing[0].detail if found.missing else "nothing came of it"
    raise OperationError("refused", plain(why))
