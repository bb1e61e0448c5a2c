import datetime as dt

import pytest

from memcollect.testing import duration


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-2, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (440, "7m20s"),
        (599, "9m59s"),
        (631, "10m"),
        (179 * 60 + 59, "179m"),
        (180 * 60, "3h"),
        (3 * 3600 + 300, "3h5m"),
        (8 * 3600, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (50 * 3600, "2d2h"),
        (8 * 86400 + 3600, "8d"),
        (729 * 86400, "729d"),
        (730 * 86400, "2y"),
        (731 * 86400, "2y1d"),
        (8 * 365 * 86400, "8y"),
    ],
)
def test_spans_read_as_kubectl_prints_them(seconds: int, expected: str) -> None:
    assert duration.human(seconds) == expected


def test_an_age_is_counted_from_the_timestamp() -> None:
    now = dt.datetime(2026, 11, 22, 20, 24, 49, tzinfo=dt.UTC)
    assert duration.age("2026-11-22T20:14:18Z", now) == "10m"
    assert duration.age(None, now) == "<unknown>"
