"""A terminal that is taken over and given back as it was, whatever ends the program.

Signals only leave a mark, so that nothing is cut short in the middle of a line or of a lock: the loop
looks for the mark several times a second.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from memcollect.commands.keys import keys
from memcollect.commands.output import PLAIN_SIGNS, wants_color

LOOK_SECONDS = 0.1
OUR_SIGNS = "▁█−≥…·✗↑↓▏"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Shown(Protocol):
    """What is shown, and what keys do to it."""

    @property
    def state(self) -> object:
        """Changes whenever there is something else to be seen."""

    @property
    def over(self) -> bool:
        """Whether it has ended by itself, or by a key."""

    def press(self, key: str) -> None:
        """Take a key; its names are those of live.view."""

    def lines(self, width: int, height: int) -> Sequence[Text]:
        """Return what is to be seen in so many columns and rows."""


def show(shown: Shown) -> int | None:
    """Show it on the alternate screen until a signal ends it, or it is over.

    Drawn again whenever its state is another, when the terminal's size changes, and every second for the
    ages. Returns the signal's number; None where it ended otherwise.
    """
    console = Console(color_system="auto" if wants_color() else None, legacy_windows=False)
    ending: list[int] = []
    with _signals(ending), keys() as pressed, _screen(console) as live:
        drawn: object = None
        while not ending and not shown.over:
            state = (shown.state, int(time.monotonic()), console.size)
            if state != drawn:
                drawn = state
                live.update(Group(*_writable(shown.lines(*console.size), console.encoding)), refresh=True)
            for key in pressed(LOOK_SECONDS):
                shown.press(key)
    return ending[0] if ending else None


def _screen(console: Console) -> Live:
    return Live(
        console=console,
        screen=True,
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
        vertical_overflow="crop",
    )


def _writable(lines: Sequence[Text], encoding: str) -> Iterator[Text]:
    """Yield the lines in signs that the terminal can write, none of them folded."""
    try:
        OUR_SIGNS.encode(encoding)
        plain = False
    except UnicodeEncodeError:
        plain = True
    for line in lines:
        text = line.plain
        if plain:
            text = text.translate(PLAIN_SIGNS).encode(encoding, "replace").decode(encoding)
        yield Text(text, style=line.style, spans=line.spans, no_wrap=True, overflow="crop")


@contextlib.contextmanager
def _signals(came: list[int]) -> Iterator[None]:
    """Have signals noted in `came`; one that is ignored, as in a script's background, stays so."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    taken = [number for number, handler in before.items() if handler is not signal.SIG_IGN]

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    for number in taken:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])
