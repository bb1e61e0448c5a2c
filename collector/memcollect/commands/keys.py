"""Keys as they are pressed, by name, and a terminal whose settings are put back."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import termios
import tty
from collections.abc import Callable, Iterator

SEQUENCE_SECONDS = 0.05
"""How long the rest of a key's sequence may take: over a slow line it comes in pieces."""
_SEQUENCE = re.compile(rb"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O[ -~]|\[<[0-9;]*[mM])")
_BEGUN = re.compile(rb"\x1b(?:\[[0-9;?<]*[ -/]*|O)?\Z")
"""What may go on to be a sequence; Escape itself looks so, too."""
_FINAL = {b"A": "up", b"B": "down", b"C": "right", b"D": "left", b"H": "home", b"F": "end"}
_NUMBERED = {b"1": "home", b"4": "end", b"5": "page-up", b"6": "page-down", b"7": "home", b"8": "end"}
_SINGLE = {"\r": "enter", "\n": "enter", "\x7f": "backspace", "\x08": "backspace", "\x03": "interrupt"}

Keys = Callable[[float], list[str]]
"""Waits so many seconds at most, and gives the names of the keys that were pressed, as live.view has them."""


@contextlib.contextmanager
def keys() -> Iterator[Keys]:
    """Give a function that waits for keys.

    The terminal sends them at once and shows none; Ctrl-Z does nothing, for it would leave the shell with
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


def _nobody(seconds: float) -> list[str]:
    select.select([], [], [], seconds)
    return []


def _pressed(descriptor: int, seconds: float) -> list[str]:
    if not _ready(descriptor, seconds):
        return []
    try:
        got = os.read(descriptor, 1024)
        while got and _BEGUN.search(got) and _ready(descriptor, SEQUENCE_SECONDS):
            more = os.read(descriptor, 1024)
            if not more:
                break
            got += more
    except OSError:
        return ["interrupt"]
    return named(got)


def _ready(descriptor: int, seconds: float) -> bool:
    return bool(select.select([descriptor], [], [], seconds)[0])


def named(pressed: bytes) -> list[str]:
    """Return the names of the keys; nothing at all means that nobody is there any more.

    A key without a name here (a function key, a wheel that reports itself) is left out whole.
    """
    if not pressed:
        return ["interrupt"]
    names: list[str] = []
    while pressed:
        sequence = _SEQUENCE.match(pressed)
        if sequence:
            names += _of_sequence(sequence.group())
            pressed = pressed[sequence.end() :]
        elif pressed.startswith(b"\x1b"):
            # Alone it is the key; before something else it is that key with Alt, which means nothing here.
            names += ["escape"] if len(pressed) == 1 else []
            pressed = pressed[1:] if len(pressed) == 1 else pressed[2:]
        else:
            text, mark, rest = pressed.partition(b"\x1b")
            names += [_SINGLE.get(each, each) for each in text.decode(errors="ignore")]
            pressed = mark + rest
    return names


def _of_sequence(sequence: bytes) -> list[str]:
    if sequence.endswith(b"~"):
        name = _NUMBERED.get(sequence[2:-1].split(b";")[0])
    else:
        name = _FINAL.get(sequence[-1:])
    return [name] if name else []
