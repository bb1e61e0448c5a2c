import pytest

from memcollect.live.parts import Part
from memcollect.live.rows import Use
from memcollect.reporters.terminal.top import cells
from worlds.live_builders import MIB, growth, row


@pytest.mark.parametrize(
    ("part", "shown"),
    [
        (Part(), "?"),
        (Part(0, 0, 0), "0B"),
        (Part(MIB, MIB, MIB), "1.0Mi"),
        (Part(MIB, 0, MIB), "~1.0Mi"),
        (Part(MIB, MIB, MIB, partial=True), "≥1.0Mi"),
        (Part(partial=True), "?"),
    ],
)
def test_a_part_says_how_it_is_known(part: Part, shown: str) -> None:
    assert cells.part(part) == shown


@pytest.mark.parametrize(
    ("change", "over", "shown"),
    [
        (2 * MIB, 60.0, "+2.0Mi"),
        (-2 * MIB, 60.0, "−2.0Mi"),
        (0, 60.0, "0B"),
        (2 * MIB, 61.0, "+2.0Mi"),
        (2 * MIB, 12.0, "+2.0Mi/12s"),
        (MIB, 0.3, "+1.0Mi/1s"),
    ],
)
def test_a_change_has_its_sign_and_its_time(change: int, over: float, shown: str) -> None:
    assert cells.change(growth(change, over)) == shown


def test_no_change_is_known_of_one_reading() -> None:
    assert cells.change(None) == "?"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, ""), (0.2, "0s"), (99.4, "99s"), (125.0, "2m05"), (7300.0, "2h")]
)
def test_an_age_is_short(seconds: float | None, shown: str) -> None:
    assert cells.age(seconds) == shown


@pytest.mark.parametrize(
    ("use", "limit", "share"),
    [
        (Use(current_bytes=MIB, limit="max"), "none", ""),
        (Use(current_bytes=MIB, limit=None), "?", "?"),
        (Use(current_bytes=MIB, limit=4 * MIB), "4.0Mi", "25%"),
        (Use(current_bytes=MIB, limit=4 * MIB, container="a"), "c4.0Mi", "25%"),
        (Use(current_bytes=4 * MIB - 1, limit=4 * MIB), "4.0Mi", "99%"),
        (Use(current_bytes=4 * MIB, limit=4 * MIB), "4.0Mi", "100%"),
        (Use(current_bytes=1, limit=4 * MIB), "4.0Mi", "<1%"),
    ],
)
def test_a_limit_is_full_only_when_it_is(use: Use, limit: str, share: str) -> None:
    assert (cells.limit(use), cells.used(use)) == (limit, share)


def test_kills_are_shown_only_where_there_were_any() -> None:
    assert [cells.kills(count) for count in (None, 0, 3)] == ["?", "", "3"]


def test_an_unmeasured_row_has_no_numbers() -> None:
    nothing = row(working_set=None)
    assert (cells.working_set(nothing), cells.other(nothing)) == ("?", "?")
