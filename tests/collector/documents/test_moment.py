from memcollect.documents.moment import now_text


def test_times_are_iso_8601_in_utc() -> None:
    assert now_text().endswith("Z")
    assert len(now_text()) == len("2026-01-01T00:00:00.000Z")
