"""What README and docs/ tell people to type is understood."""

import re
import shlex
from itertools import pairwise
from pathlib import Path

import click
import pytest

from memcollect.commands import cli

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
COMMAND = re.compile(r" {4}(?:\$ )?(?:sudo )?((?:kubectl )?memcollect(?: .*)?)")
REST_OF_A_SHELLS_LINE = {"|", "||", ">", ">>", "<", "2>", "&&", "&", ";"}


def commands(page: Path) -> list[str]:
    """Return the lines of code that call the program."""
    matches = map(COMMAND.fullmatch, page.read_text().splitlines())
    return [match[1] for match in matches if match is not None]


def understood(line: str) -> None:
    """Let the program read the words of one call as its own; nothing is run. Raises click's errors."""
    words = shlex.split(line, comments=True)
    words = words[words.index("memcollect") + 1 :]
    ends = [place for place, word in enumerate(words) if word in REST_OF_A_SHELLS_LINE]
    words = words[: ends[0]] if ends else words
    for option, value in pairwise(words):
        if option == "--root":  # looked for while the words are read
            Path(value).mkdir(exist_ok=True)
    group = click.Context(cli, info_name="memcollect")
    _, words, _ = cli.make_parser(group).parse_args(words)
    if not words:
        return
    name, command, rest = cli.resolve_command(group, words)
    assert command is not None
    try:
        command.make_context(name, rest, parent=group)
    except click.exceptions.Exit:  # --help
        return


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_understood(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = {}
    for line in commands(page):
        try:
            understood(line)
        except click.ClickException as error:
            wrong[line] = error.format_message()
    assert wrong == {}


def test_commands_are_found_and_a_wrong_one_is_not_understood() -> None:
    assert sum(len(commands(page)) for page in PAGES) >= 40
    with pytest.raises(click.NoSuchOption):
        understood("memcollect snapshot --local --no-such-option")
    with pytest.raises(click.UsageError):
        understood("memcollect snapshoot")
