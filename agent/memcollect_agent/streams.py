"""Standard streams that cannot be used: closed by whoever started the program (`>&-`), or full, or gone.

Only the standard library is needed here, for both programs call it before anything else.
"""

import contextlib
import os
import sys


def fill_closed_streams() -> None:
    """Put something harmless where descriptor 0, 1 or 2 is closed, and a stream object before it.

    Python gives a closed stream as None, and the next file that is opened gets its number: a document could
    be written into a socket.
    Standard input is then empty and standard error swallows what it is told. Writing to standard output
    fails with EBADF, as it does for every other program: somebody asked for a result and must not believe
    that it went somewhere.
    """
    for descriptor, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        if not _is_open(descriptor):
            # The lowest number that is free is the one just looked at.
            os.open(os.devnull, flags)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, "r", closefd=False)
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def discard_output() -> None:
    """Point standard output at nothing, or the interpreter's last flush would complain once more."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def write_out(text: str = "") -> OSError | None:
    """Write `text`, and what standard output still holds; return why that failed, None where it did not.

    A reader that went away has had what it wanted: that is no failure. After one nothing is held any more.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
    except OSError as error:
        discard_output()
        return error
    return None
