import threading

import pytest

from memcollect.sources.deadline import Deadline
from memcollect.sources.handshake import Abandoned, Attempt, TooManyAbandonedError


def attempt(function: object, abandoned: Abandoned, disposed: list[str]) -> Attempt[str]:
    return Attempt(function, disposed.append, abandoned)  # type: ignore[arg-type]


def test_what_is_done_in_time_is_returned() -> None:
    disposed: list[str] = []
    assert attempt(lambda: "done", Abandoned(), disposed).wait(Deadline(5)) == "done"
    assert disposed == []


def test_what_is_raised_is_raised() -> None:
    def fail() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        attempt(fail, Abandoned(), []).wait(Deadline(5))


def test_what_comes_too_late_is_disposed_of_and_no_longer_counted() -> None:
    abandoned, release, over = Abandoned(most=1), threading.Event(), threading.Event()
    disposed: list[str] = []

    def slow() -> str:
        release.wait(10)
        return "late"

    def dispose(late: str) -> None:
        disposed.append(late)
        over.set()

    with pytest.raises(TimeoutError):
        Attempt(slow, dispose, abandoned).wait(Deadline(0.05))
    with pytest.raises(TooManyAbandonedError, match="1 earlier ones still hang"):
        attempt(lambda: "next", abandoned, []).wait(Deadline(5))

    release.set()
    assert over.wait(10)
    assert disposed == ["late"]
    assert attempt(lambda: "next", abandoned, []).wait(Deadline(5)) == "next"


def test_an_attempt_is_not_begun_after_the_deadline() -> None:
    with pytest.raises(TimeoutError):
        attempt(threading.Event().wait, Abandoned(), []).wait(Deadline(0))
