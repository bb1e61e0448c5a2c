"""From what is known to what `memcollect top` shows of it, with the clocks that this takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from memcollect.commands.output import report_width, say
from memcollect.commands.taking import EXIT_INCOMPLETE, EXIT_OK
from memcollect.live.frame import frame_of
from memcollect.live.model import Frame, Sort, World
from memcollect.live.rows import Row
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

    def frame(
        self,
        world: World,
        now: float | None = None,
        *,
        sort: Sort | None = None,
        keep: Callable[[Row], bool] = lambda _row: True,
        reverse: bool = False,
    ) -> Frame:
        """Return the frame of this moment, or of `now`; in the page's own order unless it is told another."""
        patience = max(STALE_INTERVALS * self.interval, LEAST_PATIENCE_SECONDS)
        moment = time.monotonic() if now is None else now
        return frame_of(world, moment, patience, sort or self.sort, self.limit, keep=keep, reverse=reverse)

    def text(self, world: World) -> str:
        """Return all of it, for a pipe or a terminal that scrolls."""
        title = f"by {self.sort.replace('-', ' ')}, {self.rhythm}"
        lines = page_lines(self.frame(world), title, report_width())
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
    def rhythm(self) -> str:
        """How often it is renewed, and what time it is now."""
        return f"every {self.interval:g} s, {datetime.now().astimezone():%H:%M:%S}"
