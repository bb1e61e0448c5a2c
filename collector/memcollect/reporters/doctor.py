"""A diagnosis for people (a table that fits its width) and for programs (JSON). Pure."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec
from rich.console import Console
from rich.text import Text

from memcollect.doctor.result import Report, Result
from memcollect.reporters.escape import visible

STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red", "skipped": "dim"}
STATUS_WIDTH = 8
TITLE_WIDTH = 15
NARROWEST = 40


def render_json(report: Report) -> str:
    """Return the report as JSON, indented by two, with a last newline."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def render_table(report: Report, *, width: int = 80, color: bool = False) -> str:
    """Return one line for each check, its remedy below it; no line is wider than `width` but for a word.

    A command that is too long is continued behind a backslash, so that it can still be pasted.
    """
    out = io.StringIO()
    console = Console(
        file=out,
        width=10_000,
        force_terminal=color,
        no_color=not color,
        highlight=False,
        legacy_windows=False,
        color_system="standard" if color else None,
    )
    for result in _gathered(report.results):
        for line in _lines(result, max(width, NARROWEST)):
            console.print(line, soft_wrap=True)
    console.print(_summary(report), soft_wrap=True)
    return out.getvalue()


def _gathered(results: Iterable[Result]) -> Iterator[Result]:
    """Yield the results, neighbours that were skipped for the same reason as one line."""
    for (_, because), group in groupby(results, key=lambda each: (each.status, each.because)):
        some = list(group)
        if not because or len(some) == 1:
            yield from some
            continue
        titles = ", ".join(result.title for result in some)
        yield Result(
            check="",
            title=f"{len(some)} checks",
            status="skipped",
            sentence=f"{some[0].sentence.rstrip('.')}: {titles}.",
        )


def _lines(result: Result, width: int) -> Iterator[Text]:
    room = width - STATUS_WIDTH - TITLE_WIDTH
    sentence, *rest = _folded(result.sentence, room)
    first = Text(f"{result.status:<{STATUS_WIDTH}}", style=STYLES[result.status])
    first.append(f"{visible(result.title):<{TITLE_WIDTH}}", style="not bold default")
    first.append(sentence, style="not bold default" if result.status != "skipped" else "")
    yield first
    indent = " " * (STATUS_WIDTH + TITLE_WIDTH)
    for line in rest:
        yield Text(indent + line)
    for line in _folded(result.remedy, width - STATUS_WIDTH) if result.remedy else []:
        yield Text(" " * STATUS_WIDTH + line)
    for command in result.commands:
        for line in _continued(command, width - STATUS_WIDTH - 2):
            yield Text(" " * (STATUS_WIDTH + 2) + line, style="bold")


def _folded(text: str, width: int) -> list[str]:
    return textwrap.wrap(visible(text), width, break_on_hyphens=False) or [""]


def _continued(command: str, width: int) -> list[str]:
    """Return the command on as many lines as it needs, all but the last ending in a backslash.

    It is broken between arguments only, and not between an option and its value: a space inside quotes
    stays where it is.
    """
    lines = [""]
    for argument in _options_with_values(list(_arguments(visible(command)))):
        joined = f"{lines[-1]} {argument}" if lines[-1] else argument
        if lines[-1] and len(joined) > width - 2:
            lines[-1] += " \\"
            lines.append(f"  {argument}")
        else:
            lines[-1] = joined
    return lines


def _options_with_values(arguments: list[str]) -> Iterator[str]:
    while arguments:
        argument = arguments.pop(0)
        takes_value = argument.startswith("-") and "=" not in argument
        if takes_value and arguments and not arguments[0].startswith("-"):
            argument += f" {arguments.pop(0)}"
        yield argument


def _arguments(command: str) -> Iterator[str]:
    """Yield the arguments as they are written, quotes and all."""
    current, quote = "", ""
    for character in command:
        if character == " " and not quote:
            yield current
            current = ""
            continue
        current += character
        if character in "'\"" and quote in ("", character):
            quote = "" if quote else character
    yield current


def _summary(report: Report) -> Text:
    count = report.summary
    counted = f"{count.ok} ok, {count.warn} warn, {count.fail} fail, {count.skipped} skipped"
    return Text(f"\n{counted}.", style=STYLES[report.status])
