"""Run the command line once and map its ending to an exit code and a sentence, or one for each mistake."""

from __future__ import annotations

import traceback
from typing import Any

import click

from memcollect.commands import cli
from memcollect.commands.output import say
from memcollect.errors import CollectorError

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_INCOMPLETE = 3
"""A document was written, but something that was asked for is missing in it."""
EXIT_INTERRUPTED = 130


def run(arguments: list[str], program_name: str) -> int:
    """Run `arguments`; return 0, 1 (failed), 2 (wrong usage), 3 (incomplete) or 130 (interrupted)."""
    state: dict[str, Any] = {}
    try:
        result = cli.main(args=arguments, prog_name=program_name, standalone_mode=False, obj=state)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _usage(error)
    except (click.Abort, KeyboardInterrupt):
        say("interrupted.")
        return EXIT_INTERRUPTED
    except CollectorError as error:
        say(str(error), *error.details)
        return error.exit_code
    except Exception as error:  # noqa: BLE001 (the last door before the user, who must not see a traceback)
        return _unforeseen(error, verbose=bool(state.get("verbose")))
    return result if isinstance(result, int) else EXIT_OK


def _usage(error: click.ClickException) -> int:
    """Say what is wrong in one line and where the help is; click knows both."""
    say(error.format_message())
    context = getattr(error, "ctx", None)
    if context is not None:
        say(f"see `{context.command_path} --help`")
    return error.exit_code


def _unforeseen(error: Exception, *, verbose: bool) -> int:
    if verbose:
        for line in "".join(traceback.format_exception(error)).splitlines():
            say(line)
    detail = str(error).partition("\n")[0][:300]
    hint = "" if verbose else " Run again with -v for the traceback, and please report it."
    say(f"this should not happen: {type(error).__name__}: {detail}.{hint}")
    return EXIT_FAILED
