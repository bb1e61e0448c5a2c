from typing import Any

import click
import msgspec
import pytest
from click.testing import CliRunner

from memcollect.commands.options import OUTPUT, Duration, TargetOptions, typed

POSITIVE = Duration(min=0, min_open=True, max=3600)


class Numbered(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    target: TargetOptions


def told(*arguments: str, kind: type[msgspec.Struct] = Numbered, of: Any = int) -> object:
    """Return what a command with --number (a number, unless `of` another type), -o and --force is told."""
    seen: list[object] = []

    @click.command()
    @click.option("--number", type=of)
    @OUTPUT
    @click.option("--force", is_flag=True)
    @typed(kind)
    def command(options: msgspec.Struct) -> int:
        seen.append(options)
        return 0

    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return seen[0]


def test_a_command_is_told_its_options_as_one_struct_with_a_struct_for_each_group() -> None:
    options = told("--number", "3", "--force")
    assert options == Numbered(number=3, target=TargetOptions(output=None, force=True))


def test_an_option_without_a_field_is_a_fault_of_ours() -> None:
    with pytest.raises(TypeError, match="TargetOptions has no field for: number"):
        told("--number", "3", kind=TargetOptions)


def test_a_value_of_another_type_is_a_fault_of_ours() -> None:
    with pytest.raises(msgspec.ValidationError, match="Expected `int`, got `str`"):
        told("--number", "3", of=str)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("120", 120), ("2.5", 2.5), ("120s", 120), ("2m", 120), ("2 min", 120), ("500ms", 0.5), ("1h", 3600)],
)
def test_a_length_of_time_is_read_as_people_write_it(written: str, seconds: float) -> None:
    assert POSITIVE.convert(written, None, None) == seconds


@pytest.mark.parametrize("written", ["", "fast", "2 days", "nan", "inf", "s", "1m30", "٣s"])
def test_what_is_no_length_of_time_says_how_to_write_one(written: str) -> None:
    with pytest.raises(click.BadParameter, match="is no length of time: write seconds, or 500ms, 20s"):
        POSITIVE.convert(written, None, None)


@pytest.mark.parametrize("written", ["0", "0s", "61m", "-3", "4000"])
def test_a_length_out_of_range_names_the_range(written: str) -> None:
    with pytest.raises(click.BadParameter, match="is not in the range"):
        POSITIVE.convert(written, None, None)
