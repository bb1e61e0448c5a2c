"""From what is known to what `memcollect top` shows of it, with the clocks that this takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from memcollect.commands.output import report_width, say
from memcollect.commands.taking import EXIT_INCOMPLETE, EXIT_OK
from memcollect.live.frame import frame_of
from memcollect.live.model import Frame, Sort, World
from memcollect.reporters.terminal.top.page import page_lines

STALE_INTERVALS = 2.0
"""An agent that has not answered for so many intervals has its rows marked."""
LEAST_PATIENCE_SECONDS = 3.0
"""At short intervals a port-forward alone may take as long as one."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """How it is to be shown."""

    sort: Sort
    limit: int | None
    interval: float

    def frame(self, world: World, rows: int | None = None) -> Frame:
        """Return the frame of this moment, with at most `rows` rows."""
        limit = min((each for each in (self.limit, rows) if each is not None), default=None)
        patience = max(STALE_INTERVALS * self.interval, LEAST_PATIENCE_SECONDS)
        return frame_of(world, time.monotonic(), patience, self.sort, limit)

    def lines(self, world: World | None, width: int, height: int) -> list[Text]:
        """Return what fits a screen."""
        if world is None:
            return [Text("memcollect top  asking…")]
        return page_lines(lambda rows: self.frame(world, rows), f"{self._title}, q quits", width, height)

    def text(self, world: World) -> str:
        """Return all of it, for a pipe or a terminal that scrolls."""
        lines = page_lines(lambda _: self.frame(world), self._title, report_width())
        return "".join(f"{line.plain.rstrip()}\n" for line in lines)

    def exit_code(self, world: World) -> int:
        """Return 0, or 3 where something that was asked for is missing, which is said."""
        missing = self.frame(world).missing
        if not missing:
            return EXIT_OK
        which = missing[0].detail if len(missing) == 1 else "the last lines say which and why."
        say(f"{len(missing)} asked for and not measured: {which}")
        return EXIT_INCOMPLETE

    @property
    def _title(self) -> str:
        by = self.sort.replace("-", " ")
        return f"by {by}, every {self.interval:g} s, {datetime.now().astimezone():%H:%M:%S}"
