"""Sandboxes of the source's own package as the trial's provider: seen from outside where they are pods."""

from __future__ import annotations

import time

from memcollect.errors import ClusterError
from memcollect.evidence.port import OperationError, Owner
from memcollect.kubernetes.objects import Pod
from memcollect.profile.evidence.images import TriedImages
from memcollect.profile.sandboxes.packaged import PackagedSource
from memcollect.profile.sandboxes.source import Sandbox, SandboxError, with_uid
from memcollect.profile.tools import Tools, Workshop
from memcollect.trying.drivers.program import ProgramBox, ProgramProvider

_PAUSE_SECONDS = 0.25
_SEEN_SECONDS = 20.0
"""For a pod of a sandbox that has answered."""


class PackagedProvider(ProgramProvider):
    """`seen`: its sandboxes are pods; each is looked for when it is taken."""

    def __init__(self, source: PackagedSource, workshop: Workshop, *, seen: bool) -> None:
        super().__init__(source.program)
        self.source = source
        self.there: dict[str, Sandbox] = {}
        """By the trial's key, every sandbox whose pod was seen; a deleted one stays in it."""
        self.nodes: dict[str, str] = {}
        """Node by key."""
        self.images = TriedImages()
        self._workshop = workshop
        self._seen = seen

    def acquire(self, key: str, owner: Owner, seconds: float) -> ProgramBox:
        """Ask for it, and see which pod it is."""
        until = time.monotonic() + seconds
        self._revived()
        box = super().acquire(key, owner, seconds)
        try:
            self.source.know(key, box.name, box.pod)
        except SandboxError as error:
            raise OperationError("garbage", str(error)) from error
        if self._seen:
            self._see(key, until)
        return box

    def destroy(self, key: str, seconds: float) -> None:
        """Delete it, and see its pod go where one was seen."""
        if self._revived():
            return
        super().destroy(key, seconds)
        until = time.monotonic() + seconds
        while key in self.there:
            if self._is_gone(key):
                return
            if time.monotonic() > until:
                raise OperationError(
                    "refused", f"its pod {self.there[key].pod} is still there after {seconds:g} s"
                )
            time.sleep(_PAUSE_SECONDS)

    def identity(self, key: str) -> str:
        """Return the UID of its pod; where none is seen from outside, the package's id.

        Without a deletion an id is the thread's for good.
        """
        if self._seen:
            return self.there[key].uid if key in self.there else ""
        return self.source.id_of(key) if self._greeting.deletes else ""

    def place(self, key: str) -> Sandbox:
        """Return a sandbox by the trial's key, whether it is there or not."""
        return self.there.get(key) or self.source.place(key)

    def called(self, key: str) -> str:
        """Return what names of objects that belong to it hold."""
        return self.source.id_of(key) or key

    def _revived(self) -> bool:
        """Go on with a new program where the old one has ended; return whether all is deleted by that."""
        try:
            self.source.revive()
        except SandboxError as error:
            raise OperationError("transport", str(error)) from error
        is_new = self.source.program is not self._program
        self._program = self.source.program
        return is_new

    def _is_gone(self, key: str) -> bool:
        tools = self._workshop.tools()
        try:
            return not self.source.look(tools, [self.there[key]])
        except ClusterError:
            return False
        finally:
            tools.close()

    def _see(self, key: str, until: float) -> None:
        """Look for its pod; where none is to be seen it is spoken to all the same, and has no node."""
        until = min(until, time.monotonic() + _SEEN_SECONDS)
        asked = self.source.place(key)
        tools = self._workshop.tools()
        try:
            while time.monotonic() < until:
                pod = self._found(tools, asked)
                if pod is not None:
                    self.there[key] = with_uid(asked, pod)
                    self.nodes[key] = pod.spec.node_name or ""
                    self.images.see(pod)
                    return
                time.sleep(_PAUSE_SECONDS)
            self.images.see(None)
        finally:
            tools.close()

    def _found(self, tools: Tools, asked: Sandbox) -> Pod | None:
        try:
            return self.source.look(tools, [asked]).get(asked.pod)
        except ClusterError:
            return None
