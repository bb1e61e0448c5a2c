"""Run the command line once and map its ending to an exit code and a sentence, or one for each mistake."""

from __future__ import annotations

import errno
import traceback
from typing import Any

import click

from memcollect.commands import cli
from memcollect.commands.output import say
from memcollect.errors import NO_THREADS, CollectorError, lacks_threads
from memcollect.termination import Terminated
from memcollect_agent.streams import discard_output

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_INCOMPLETE = 3
"""A document was written, but something that was asked for is missing in it."""
EXIT_INTERRUPTED = 130
_UNWRITABLE = frozenset({errno.EBADF, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


_SHOWN = 60
"""Characters of a name that is too long for any file."""


def run(arguments: list[str], program_name: str) -> int:  # noqa: PLR0911 (one for each kind of ending)
    """Return 0, 1 (failed), 2 (wrong usage), 3 (incomplete), 130 (interrupted), or 128 + a signal."""
    state: dict[str, Any] = {}
    try:
        result = cli.main(args=arguments, prog_name=program_name, standalone_mode=False, obj=state)
    except click.ClickException as error:
        return _usage(error)
    except (click.Abort, KeyboardInterrupt):
        say("interrupted.")
        return EXIT_INTERRUPTED
    except Terminated as ending:
        say(f"ended by {ending.number.name}.")
        return 128 + ending.number
    except SystemExit as ending:  # click's, when it has told the shell how a word goes on
        return ending.code if isinstance(ending.code, int) else EXIT_OK
    except CollectorError as error:
        say(str(error), *error.details)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 (the last door before the user, who must not see a traceback)
        if isinstance(error, OSError) and _is_of_output(error):
            return _unwritten(error)
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            # Names that we make are short: it is one that was given, as an argument, an option or a variable.
            name = str(error.filename)[:_SHOWN]
            say(f"{name}…: {error.strerror}. Name a file or directory that can be there.")
            return EXIT_FAILED
        return _failed(error, verbose=bool(state.get("verbose")))
    return result if isinstance(result, int) else EXIT_OK


def _usage(error: click.ClickException) -> int:
    """Say what is wrong in one line and where the help is, or show the help itself; click knows both."""
    # click before 8.2 shows the help by itself, and has no such error.
    if isinstance(error, getattr(click.exceptions, "NoArgsIsHelpError", ())):
        error.show()
        return error.exit_code
    context = getattr(error, "ctx", None)
    say((_meant_format(error) or error).format_message())
    if context is not None:
        say(f"see `{context.command_path} --help`")
    return error.exit_code


def _meant_format(error: click.ClickException) -> click.NoSuchOption | None:
    """Return an unknown option that is called as a format is ("--json") as one that meant that; else None."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return None
    from memcollect.commands.options import formats_of  # noqa: PLC0415 (few commands end here)

    name = error.option_name.removeprefix("--")
    if name not in formats_of(error.ctx.command):
        return None
    return click.NoSuchOption(error.option_name, possibilities=[f"--format {name}"], ctx=error.ctx)


def _is_of_output(error: OSError) -> bool:
    """Tell a failed write of help or version, which are click's own, from a file that was not opened."""
    return error.filename is None and error.errno in _UNWRITABLE


def _unwritten(error: OSError) -> int:
    discard_output()
    say(f"Standard output could not be written: {error.strerror}.")
    return EXIT_FAILED


def _failed(error: Exception, *, verbose: bool) -> int:
    if isinstance(error, MemoryError):
        say("There is not enough memory for this. Ask for less at once, or allow it more.")
        return EXIT_FAILED
    if lacks_threads(error):
        say(NO_THREADS)
        return EXIT_FAILED
    return _unforeseen(error, verbose=verbose)


def _unforeseen(error: Exception, *, verbose: bool) -> int:
    if verbose:
        for line in "".join(traceback.format_exception(error)).splitlines():
            say(line)
    detail = str(error).partition("\n")[0][:300]
    hint = "" if verbose else " Run again with -v for the traceback, and please report it."
    say(f"this should not happen: {type(error).__name__}: {detail}.{hint}")
    return EXIT_FAILED
