import pytest

from memcollect.documents.times import seconds_of


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_of_the_api_is_unknown(text: str | None) -> None:
    assert seconds_of(text) is None


def test_a_time_of_the_api_is_seconds_since_the_epoch() -> None:
    assert seconds_of("2026-01-01T00:00:00Z") == 1767225600.0
