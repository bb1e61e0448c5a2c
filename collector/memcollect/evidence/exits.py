"""How a command ended, as far as the backend tells: never more than it told. Pure."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct


class Exited(Struct, frozen=True, tag="exited", tag_field="how"):
    """It ended by itself, with this code. 128 + N may be a shell's word for signal N."""

    code: int


class Signalled(Struct, frozen=True, tag="signalled", tag_field="how"):
    """It was ended by a signal."""

    signal: int


class TimedOut(Struct, frozen=True, tag="timed-out", tag_field="how"):
    """The backend says that it ended it, or gave it up, at its time limit."""


class Unknown(Struct, frozen=True, tag="unknown", tag_field="how"):
    """The backend does not tell how it ended."""

    why: str = ""


Exit: TypeAlias = Exited | Signalled | TimedOut | Unknown


def told(end: Exit) -> str:
    """Return how a command ended, in words."""
    match end:
        case Exited(code):
            return f"exit code {code}"
        case Signalled(signal):
            return f"ended by signal {signal}"
        case TimedOut():
            return "ended at the time limit"
    return f"the exit is not told{f': {end.why}' if end.why else ''}"
