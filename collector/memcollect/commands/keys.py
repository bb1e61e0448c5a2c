"""Keys as they are pressed, and a terminal whose settings are put back."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator

QUIT_KEYS = b"qQ\x03"
"""q, and Ctrl-C where the terminal sends it as a character."""
ESCAPE = b"\x1b"


@contextlib.contextmanager
def keys() -> Iterator[Callable[[float], bool]]:
    """Give a function that waits so many seconds and tells whether a key to quit was pressed.

    The terminal sends keys at once and shows none; Ctrl-Z does nothing, for it would leave the shell with
    our screen. Its settings are put back.
    """
    if not sys.stdin.isatty():
        yield _nobody
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        ours = termios.tcgetattr(descriptor)
        ours[6][termios.VSUSP] = b"\0"
        termios.tcsetattr(descriptor, termios.TCSANOW, ours)
        yield lambda seconds: _pressed(descriptor, seconds)
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


def _nobody(seconds: float) -> bool:
    select.select([], [], [], seconds)
    return False


def _pressed(descriptor: int, seconds: float) -> bool:
    ready, _, _ = select.select([descriptor], [], [], seconds)
    if not ready:
        return False
    try:
        return ends(os.read(descriptor, 64))
    except OSError:
        return True


def ends(pressed: bytes) -> bool:
    """Return whether these keys end it: Escape alone does, but no arrow key, nor a wheel that sends some.

    Nothing at all means that nobody is there any more.
    """
    if pressed.startswith(ESCAPE):
        return pressed == ESCAPE
    return not pressed or any(key in QUIT_KEYS for key in pressed)
