"""The rounds of this machine: measured in process, its history what was seen since the first round."""

from __future__ import annotations

import time
from dataclasses import replace

from memcollect.errors import UnsupportedError
from memcollect.join import Capture, Failure, NodeJoin, local_snapshot
from memcollect.live.frame import departures
from memcollect.live.model import Departed, World
from memcollect.live.nodes import NodeView, with_rows
from memcollect.live.trend import remembered
from memcollect.sources.deadline import Stopped
from memcollect.taking.local import LocalRequest, measure
from memcollect.watching.watch import Changed

_TICK_SECONDS = 0.1
_CAPTURE = Capture(label="", captured_at="", finished_at="")


class LocalWatch:
    """This machine, watched."""

    def __init__(self, request: LocalRequest) -> None:
        self._request = replace(request, sums=False)
        self._view: NodeView | None = None
        self._departed: tuple[Departed, ...] = ()
        self._notes: tuple[str, ...] = ()

    def round(self, seconds: float, changed: Changed, stopped: Stopped) -> World:  # noqa: ARG002 # as Watch has it
        """Measure. Raises UnsupportedError where that is not possible, in the first round."""
        try:
            self._measure()
        except UnsupportedError as error:
            if self._view is None:
                raise
            self._view = replace(self._view, failure=Failure("unavailable", str(error)))
        changed(self.world)
        return self.world

    def wait(self, seconds: float, changed: Changed, stopped: Stopped) -> None:  # noqa: ARG002 # as Watch has it
        """Wait so long."""
        until = time.monotonic() + seconds
        while not stopped() and (left := until - time.monotonic()) > 0:
            time.sleep(min(_TICK_SECONDS, left))

    def close(self) -> None:
        """Nothing is held between two rounds."""

    @property
    def world(self) -> World:
        """All that is known."""
        views = {self._view.name: self._view} if self._view is not None else {}
        return World(nodes=views, departed=self._departed, notes=self._notes, with_top=False)

    def _measure(self) -> None:
        measured = measure(self._request)
        name = measured.sample.node.name
        snapshot = local_snapshot(measured.sample, measured.names, _CAPTURE)
        before = self._view or NodeView(name=name)
        view = replace(
            before,
            sample=measured.sample,
            received=time.monotonic(),
            failure=None,
            memory=remembered(before.memory, measured.sample),
        )
        joined = NodeJoin(pods=snapshot.pods, missing=snapshot.missing, node=measured.sample.node)
        self._view = with_rows(view, [joined])
        self._notes = tuple(measured.notes)
        self._departed = departures(self._departed, before.rows, self._view.rows, time.monotonic())
