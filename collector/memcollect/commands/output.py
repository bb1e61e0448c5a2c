"""Where results and words to the user go: data to standard output or a file, everything else to stderr."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from memcollect.documents.files import PiecesError, check_target, set_apart, write_document
from memcollect.errors import OutputError
from memcollect.reporters.escape import visible
from memcollect.secrecy import without_secrets
from memcollect_agent.streams import discard_output

if TYPE_CHECKING:
    from typing import TextIO

MAX_WIDTH = 140
"""Wider lines are hard to follow with the eye."""
PLAIN_SIGNS = str.maketrans(
    {
        "−": "-",
        "–": "-",
        "…": "~",
        "×": "x",
        "Σ": "sum ",
        "≤": "<",
        "≥": ">",
        "→": ">",
        "█": "#",
        "✗": "x",
        "•": "*",
        "·": "-",
        "‼": "!",
        **dict.fromkeys("▏▎▍▌▋▊▉", "#"),
        **dict(zip("▁▂▃▄▅▆▇", "_.:-=+*", strict=True)),
    }
)
"""For terminals that cannot write ours; each stands in as many columns, but for the sum's."""


def check_output(path: Path | None, *, force: bool) -> None:
    """Raise UsageError where the result could not be put at `path`: before any time is spent on it."""
    if path is not None:
        check_target(path, force=force)


def deliver(text: str, path: Path | None, *, force: bool, in_utf8: bool = False) -> None:
    """Write the result whole to `path`, or to standard output where there is none.

    A file is UTF-8; standard output is what the terminal reads, unless the text says of itself that it is
    UTF-8 (`in_utf8`).

    Raises OutputError where it cannot be written. A reader that went away (`| head`) has had what it
    wanted: that is no error.
    """
    if path is not None:
        write_document(path, [text.encode()], force=force)
        say(f"written to {path}")
        return
    if in_utf8:
        deliver_pieces([text.encode()], None, force=force)
        return
    with _standard_output():
        _write_out(text)


def deliver_more(text: str) -> bool:
    """Write a part of the result to standard output; return whether somebody is there to read another."""
    written: list[str] = []
    with _standard_output():
        _write_out(text)
        written.append(text)
    return bool(written)


def deliver_pieces(pieces: Iterable[bytes], path: Path | None, *, force: bool) -> None:
    """Write UTF-8 text that comes piece by piece, with the same promises: whole or not at all.

    On its way to standard output it waits in a temporary file, so that nothing half is printed.
    """
    if path is not None:
        write_document(path, pieces, force=force)
        say(f"written to {path}")
        return
    with contextlib.ExitStack() as stack:
        with _spooling():
            spool = stack.enter_context(tempfile.TemporaryFile())
            for piece in set_apart(pieces):
                spool.write(piece)
            spool.seek(0)
        with _standard_output():
            shutil.copyfileobj(spool, sys.stdout.buffer)
            sys.stdout.flush()


@contextlib.contextmanager
def _spooling() -> Iterator[None]:
    try:
        yield
    except PiecesError as error:
        raise error.raised from None
    except OSError as error:
        raise OutputError(
            f"The result could not be kept in a temporary file: {error.strerror or error}.",
            "Free some space, set TMPDIR to a directory with more, or write a file with -o FILE.",
        ) from error


@contextlib.contextmanager
def _standard_output() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        discard_output()
    except OSError as error:
        discard_output()
        raise OutputError(
            f"Standard output could not be written: {error.strerror or error}.",
            "Free some space, or write a file elsewhere with -o FILE.",
        ) from error


def page(text: str) -> bool:
    """Show `text` through a pager, as git does; return whether it was shown.

    It is not where it fits the terminal, where input or output is none, or with PAGER=cat (or empty).
    MEMCOLLECT_PAGER goes before PAGER.
    """
    pager = os.environ.get("MEMCOLLECT_PAGER", os.environ.get("PAGER", "less"))
    if pager.strip() in {"", "cat"} or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    if text.count("\n") < shutil.get_terminal_size().lines or shutil.which(pager.split()[0]) is None:
        return False
    # LESS as git has it: end where one screen is enough, show colours, leave the text on the screen.
    os.environ.setdefault("LESS", "FRX")
    os.environ["PAGER"] = pager
    click.echo_via_pager(text, color=wants_color())
    return True


def say(sentence: str, *details: str) -> None:
    """Print a line for the user on standard error, and one below it for each of `details`.

    All are harmless whatever they hold: a line break within one is written out, a secret never is.
    """
    with contextlib.suppress(OSError, ValueError):
        encoding = sys.stderr.encoding or "utf-8"
        lines = [f"memcollect: {_harmless(sentence)}", *(f"  {_harmless(each)}" for each in details)]
        shown = "\n".join(lines).encode(encoding, "replace").decode(encoding)
        sys.stderr.write(f"{shown}\n")
        sys.stderr.flush()


def _harmless(text: str) -> str:
    return visible(without_secrets(text))


def report_width() -> int:
    """Return the columns of the terminal ($COLUMNS goes before it), 80 where there is none."""
    return min(shutil.get_terminal_size().columns, MAX_WIDTH)


def wants_color(stream: TextIO | None = None) -> bool:
    """Return whether to colour: only on a terminal that can, and never where NO_COLOR is set."""
    stream = stream or sys.stdout
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def _write_out(text: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(PLAIN_SIGNS).encode(encoding, "replace").decode(encoding)
    sys.stdout.write(text)
    sys.stdout.flush()


def counted(number: int, noun: str) -> str:
    """Return "1 pod", "2 pods", "1,200 pods"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
