import click
import pytest
from click.testing import CliRunner

from memcollect.commands import COMMANDS, cli
from memcollect.commands.help_page import GROUPS, OTHER_WAYS, grouped

NAMES = [name for names in GROUPS.values() for name in names]


def command(name: str) -> tuple[click.Command, click.Context]:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found, click.Context(found, info_name=name)


def help_of(name: str) -> str:
    return CliRunner().invoke(cli, [name, "--help"], terminal_width=80).output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_that_is_not_hidden_stands_in_one_group(name: str) -> None:
    found, context = command(name)
    shown = [record for _, records in grouped(found, context) for record in records]
    options = (each for each in found.get_params(context) if isinstance(each, click.Option))
    records = (each.get_help_record(context) for each in options)
    assert sorted(shown) == sorted(each for each in records if each is not None)


def test_no_option_is_in_two_groups_and_every_one_is_somebodys() -> None:
    assert len(NAMES) == len(set(NAMES))
    taken = {option for name in COMMANDS for each in command(name)[0].params for option in each.opts}
    assert set(NAMES) - taken == {"--help"}


@pytest.mark.parametrize("name", COMMANDS)
def test_what_holds_of_all_options_is_said_once_by_one_that_the_command_has(name: str) -> None:
    text, (found, context) = help_of(name), command(name)
    assert "env var" not in text
    said = " ".join(text.split())
    assert said.count("Any option can also come from the environment") == (name != "schema")
    ways = [
        OTHER_WAYS.format(option=each.opts[0], variable=each.envvar)
        for each in found.params
        if each.get_help_record(context) is not None
    ]
    assert sum(way in said for way in ways) == (name != "schema")


def test_directories_of_this_machine_need_local_where_there_is_a_choice() -> None:
    assert "This machine, with --local:" in help_of("snapshot")
    assert "This machine:" in help_of("record")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_line_before_the_examples_fits_eighty_columns(name: str) -> None:
    text = help_of(name).split("  Examples:")[0]
    assert [each for each in text.splitlines() if len(each) > 80] == []
