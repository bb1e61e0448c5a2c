import pytest

from memcollect.sources.deadline import Deadline


def test_what_is_left_never_exceeds_the_whole() -> None:
    deadline = Deadline(60)
    assert 0 < deadline.left() <= 60
    assert not deadline.passed


def test_a_passed_deadline_raises_instead_of_meaning_do_not_block() -> None:
    deadline = Deadline(0)
    assert deadline.passed
    with pytest.raises(TimeoutError, match="not within 0 s"):
        deadline.left()
