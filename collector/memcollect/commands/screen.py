"""A terminal that is taken over and given back as it was, whatever ends the program.

Signals only leave a mark, so that nothing is cut short in the middle of a line or of a lock: the loop
looks for the mark several times a second.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from memcollect.commands.keys import keys
from memcollect.commands.output import PLAIN_SIGNS, wants_color

LOOK_SECONDS = 0.1
OUR_SIGNS = "▁█−≥…·✗"
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Lines = Callable[[int, int], Sequence[Text]]
"""Gives what is to be seen in so many columns and rows."""


class Ending:
    """What wants the screen to end: the number of a signal, or 0 for a key; None: nothing does."""

    def __init__(self) -> None:
        self.by: int | None = None

    def mark(self, number: int, _frame: FrameType | None = None) -> None:
        """Note a signal; the first counts."""
        self.by = number if self.by is None else self.by


def show(lines: Lines, changed: Callable[[], object], ended: Callable[[], bool]) -> int | None:
    """Show `lines` on the alternate screen until a key or a signal ends it, or `ended` says so.

    Drawn again whenever `changed` gives another value, when the terminal's size changes, and every second
    for the ages. Returns the signal's number, 0 for a key, None where it ended by itself.
    """
    console = Console(color_system="auto" if wants_color() else None, legacy_windows=False)
    ending = Ending()
    with _signals(ending), keys() as pressed, _screen(console) as live:
        drawn: object = None
        while ending.by is None and not ended():
            state = (changed(), int(time.monotonic()), console.size)
            if state != drawn:
                drawn = state
                live.update(Group(*_writable(lines(*console.size), console.encoding)), refresh=True)
            if pressed(LOOK_SECONDS):
                ending.mark(0)
    return ending.by


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
        yield Text(text, style=line.style, no_wrap=True, overflow="crop")


@contextlib.contextmanager
def _signals(ending: Ending) -> Iterator[None]:
    """Have signals end the screen; one that is ignored, as in a script's background, stays so."""
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    taken = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in taken:
        signal.signal(number, ending.mark)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, before[number])
