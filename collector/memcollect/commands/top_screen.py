"""`memcollect top` on a screen: rounds, what a person has chosen, and the page that is open."""

from __future__ import annotations

import time
from collections.abc import Sequence

import msgspec
from rich.text import Text

from memcollect.commands.top_page import Page
from memcollect.commands.top_pod import Load, Opened
from memcollect.commands.watched import Rounds
from memcollect.live.model import Frame, World
from memcollect.live.rows import Row
from memcollect.live.view import Scene, View, pressed, wanted
from memcollect.reporters.terminal.top.screen import Screen, help_lines, page_screen, table_screen


class Interactive:
    """Shown by commands.screen; of the thread that draws."""

    def __init__(self, rounds: Rounds, page: Page, load: Load) -> None:
        self._rounds = rounds
        self._page = page
        self._load = load
        self._view = View(sort=page.sort)
        self._scene = Scene()
        self._rows: dict[str, Row] = {}
        self._opened: Opened | None = None
        self._still: tuple[World, float] | None = None
        """While it is paused: what was known, and when."""

    @property
    def state(self) -> object:
        """Changes whenever there is something else to be seen."""
        return (self._rounds.version, self._view, self._opened and self._opened.version)

    @property
    def quit(self) -> bool:
        """Whether a key has ended it."""
        return self._view.over

    @property
    def over(self) -> bool:
        """Whether a key has ended it, or the rounds have ended and nobody is reading a page."""
        reading = self._view.paused or self._view.place != "table"
        return self._view.over or (self._rounds.ended and (self._rounds.error is not None or not reading))

    def press(self, key: str) -> None:
        """Take a key."""
        before, self._view = self._view, pressed(self._view, key, self._scene)
        if self._view.paused != before.paused:
            world = self._rounds.world
            self._still = (world, time.monotonic()) if self._view.paused and world is not None else None
        if self._view.asked != before.asked and self._view.opened in self._rows:
            self._opened = Opened(self._rows[self._view.opened], self._load)

    def lines(self, width: int, height: int) -> Sequence[Text]:
        """Return what is to be seen."""
        world, now = self._still or (self._rounds.world, time.monotonic())
        if world is None:
            return [Text("memcollect top  asking…  q quits")]
        screen = self._screen(world, now, width, height)
        self._scene = screen.scene
        return screen.lines

    def _screen(self, world: World, now: float, width: int, height: int) -> Screen:
        frame = self._frame(world, now)
        if self._view.place == "table":
            screen = table_screen(frame, self._view, self._page.rhythm, width, height)
            self._view = msgspec.structs.replace(self._view, offset=screen.offset)
            return screen
        title, page = self._open_page(width)
        return page_screen(title, page, self._view, tuple(self._rows), (width, height))

    def _open_page(self, width: int) -> tuple[str, Sequence[Text]]:
        if self._view.place == "pod" and self._opened is not None:
            return self._opened.row.full_name, self._opened.lines(width)
        return "keys", help_lines(width)

    def _frame(self, world: World, now: float) -> Frame:
        view = self._view
        frame = self._page.frame(
            world, now, sort=view.sort, keep=lambda row: wanted(view, row), reverse=view.reverse
        )
        self._rows = {each.row.uid: each.row for each in frame.rows}
        return frame
