"""The lab's provisioner before a stage's pods, with others' ways: fresh pods on reuse, answers too late."""

import contextlib
import threading
from collections.abc import Iterator
from http import HTTPStatus

from memcollect.lab.provisioner import Provisioner, Sandboxes, Wanted
from memcollect.lab.sandboxes import API_KEY
from memcollect.lab.user_data import UserData
from worlds.profile_stage import NAMESPACE, Stage
from worlds.waiting import PATIENCE

__all__ = ["API_KEY", "Provisioning", "provisioning"]
NEVER_SECONDS = 3600.0
"""A released sandbox is not ended while a test runs."""


class Provisioning(Sandboxes):
    """`asked` are the requests that were let in; `fresh_after_release` makes a new pod on reuse.

    Where `late`, a creation goes on until a deletion was done, and only then makes the pod.
    """

    def __init__(self, stage: Stage) -> None:
        data = UserData(stage.directory / "disk", stage.directory / "memory")
        super().__init__(stage.state, NAMESPACE, data, idle_seconds=NEVER_SECONDS)
        self.stage = stage
        self.asked: list[tuple[str, str]] = []
        self.url = ""
        self.fresh_after_release = False
        self.late = False
        self.release_fails = False
        self._deleted = threading.Event()

    def create(self, wanted: Wanted, backend: str) -> HTTPStatus:
        if self.late:
            assert self._deleted.wait(PATIENCE)
        if self.fresh_after_release:
            super().delete(wanted.sandbox)
        return super().create(wanted, backend)

    def release(self, sandbox: str) -> HTTPStatus:
        return HTTPStatus.INTERNAL_SERVER_ERROR if self.release_fails else super().release(sandbox)

    def delete(self, sandbox: str) -> HTTPStatus:
        status = super().delete(sandbox)
        self._deleted.set()
        return status


@contextlib.contextmanager
def provisioning(stage: Stage) -> Iterator[Provisioning]:
    """Serve a provisioner on the loopback."""
    sandboxes = Provisioning(stage)
    with Provisioner(sandboxes, port=0) as served:
        sandboxes.asked = served.asked
        sandboxes.url = f"{served.url}/api/sandboxes"
        yield sandboxes
