import click
import pytest

from memcollect.commands.options import Duration

POSITIVE = Duration(min=0, min_open=True, max=3600)


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
