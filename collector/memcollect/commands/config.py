"""The config file: defaults of options for every command, by profile.

The command line goes before the environment, that before the chosen profile, that before what the file says
for all profiles, and that before an option's own default.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from memcollect.errors import DocumentError, UsageError
from memcollect.nearest import nearest

FILE_VARIABLE = "MEMCOLLECT_CONFIG"
PROFILES, PROFILE = "profiles", "profile"
"""The tables of options by name, and the one that is taken where none is named."""


class Setting(NamedTuple):
    """One line of the file."""

    key: str
    value: Any
    place: str
    """Where it stands, as people say it: "profile 'prod'", or the file itself."""


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the config file is, if there is one: as the XDG base directory specification says."""
    named = environ.get(FILE_VARIABLE)
    if named:
        return Path(os.path.expanduser(named))  # noqa: PTH111 # Path's own raises where there is no home
    base = environ.get("XDG_CONFIG_HOME", "")
    folder = base if os.path.isabs(base) else os.path.expanduser("~/.config")  # noqa: PTH111, PTH117
    return Path(folder) / "memcollect" / "config.toml"


def settings(profile: str | None, environ: Mapping[str, str] = os.environ) -> list[Setting]:
    """Return what the file says, the stronger last; nothing where there is no file.

    Raises UsageError where it cannot be read, is no TOML, or has no such profile.
    """
    path = config_path(environ)
    # Where nobody may look, in the home of somebody else, there is none of this user's.
    if not os.path.exists(path) and not environ.get(FILE_VARIABLE):  # noqa: PTH110 # Path's raises there
        if profile:
            raise UsageError(f"There is no profile {profile!r}: there is no config file at {path}.")
        return []
    table = _read(path)
    profiles = table.pop(PROFILES, {})
    if not isinstance(profiles, dict):
        raise UsageError(f"{path}: profiles must be tables.", "Write [profiles.NAME], and options below it.")
    chosen = profile or table.pop(PROFILE, None)
    table.pop(PROFILE, None)
    found = [Setting(key, value, str(path)) for key, value in table.items()]
    if chosen is None:
        return found
    own = profiles.get(chosen) if isinstance(chosen, str) else None
    if not isinstance(own, dict):
        raise UsageError(f"{path} has no profile {chosen!r}.", _which(chosen, list(profiles)))
    return found + [Setting(key, value, f"{path}, profile {chosen!r}") for key, value in own.items()]


def _read(path: Path) -> dict[str, Any]:
    # Every command comes by here, and few find a file: what reads it takes as long to load as all the rest.
    import tomllib  # noqa: PLC0415

    from memcollect.documents.files import read_written  # noqa: PLC0415

    try:
        return tomllib.loads(read_written(str(path), "config file").decode())
    except DocumentError as error:
        raise UsageError(error.sentence, "Mend the config file, or take it away.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path} is no TOML: {error}.", "Mend it, or take it away.") from error


def _which(wanted: object, known: Sequence[str]) -> str:
    meant = nearest(str(wanted), known)
    if meant:
        return f"Did you mean {meant}?"
    return f"It has: {', '.join(known)}." if known else "It has none: write [profiles.NAME]."


def defaults(
    found: Sequence[Setting], command: click.Command, others: Sequence[click.Command]
) -> dict[str, Any]:
    """Return the defaults of `command`'s options, by parameter, as click's default_map takes them.

    What is another command's option is left be. Raises UsageError with a sentence for each key that is no
    command's option, and for each value that none of its options takes.
    """
    taken: dict[str, Any] = {}
    faults = []
    for setting in found:
        options = [each for one in (command, *others) for each in _options(one) if _key(each) == setting.key]
        fault = _unknown(setting, (command, *others)) if not options else _refusal(setting, options)
        if fault:
            faults.append(f"{setting.place}: {fault}")
            continue
        for option in options:
            if option in command.params and not _refused(setting, option):
                taken[str(option.name)] = setting.value
    if faults:
        raise UsageError(faults[0], details=faults[1:])
    return taken


def _options(command: click.Command) -> Iterator[click.Option]:
    yield from (each for each in command.params if isinstance(each, click.Option) and not each.hidden)


def _key(option: click.Option) -> str:
    return max(option.opts, key=len).removeprefix("--")


def _unknown(setting: Setting, commands: Sequence[click.Command]) -> str:
    known = sorted({_key(each) for one in commands for each in _options(one)})
    meant = nearest(setting.key, known)
    return f"No option is called {setting.key!r}." + (f" Did you mean {meant}?" if meant else "")


def _refusal(setting: Setting, options: Sequence[click.Option]) -> str:
    """Return why no option takes the value; empty where one does."""
    refusals = [_refused(setting, each) for each in options]
    return refusals[0] if all(refusals) else ""


def _refused(setting: Setting, option: click.Option) -> str:
    """Return why the option does not take the value; empty where it does."""
    key, value = setting.key, setting.value
    if option.is_flag:
        return "" if isinstance(value, bool) else f"{key} is true or false, not {value!r}."
    values = value if option.multiple and isinstance(value, list) else [value]
    for each in values:
        if isinstance(each, bool) or not isinstance(each, (str, int, float)):
            return f"{key} takes a value{' or a list of them' if option.multiple else ''}, not {each!r}."
        try:
            option.type.convert(each if not isinstance(each, float) else str(each), option, None)
        except click.BadParameter as error:
            return f"{key} does not take {each!r}: {error.message}"
    return ""
