import threading
from collections.abc import Callable

import pytest

from memcollect.sources.deadline import Deadline
from memcollect.sources.handshake import Abandoned, Handshaker, TooManyAbandonedError


def handshaker(dispose: Callable[[str], None] = lambda _late: None, most: int = 9) -> Handshaker[str]:
    return Handshaker(dispose, Abandoned(most))


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "memcollect handshakes"]


def test_what_is_done_in_time_is_returned_and_kept() -> None:
    disposed: list[str] = []
    shaker = handshaker(disposed.append)
    assert shaker.run(lambda: "one", Deadline(60)) == "one"
    assert shaker.run(lambda: "two", Deadline(60)) == "two"
    shaker.close()
    assert disposed == []


def test_what_is_raised_is_raised_and_the_next_call_is_made() -> None:
    def fail() -> str:
        raise ValueError("no")

    shaker = handshaker()
    with pytest.raises(ValueError, match="no"):
        shaker.run(fail, Deadline(60))
    assert shaker.run(lambda: "next", Deadline(60)) == "next"
    shaker.close()


def test_what_comes_too_late_is_disposed_of_and_no_longer_counted() -> None:
    release, over = threading.Event(), threading.Event()
    disposed: list[str] = []

    def slow() -> str:
        release.wait(60)
        return "late"

    def dispose(late: str) -> None:
        disposed.append(late)
        over.set()

    shaker = handshaker(dispose, most=1)
    with pytest.raises(TimeoutError):
        shaker.run(slow, Deadline(0.05))
    with pytest.raises(TooManyAbandonedError, match="1 earlier ones still hang"):
        shaker.run(lambda: "next", Deadline(60))

    release.set()
    assert over.wait(60)
    assert disposed == ["late"]
    assert shaker.run(lambda: "next", Deadline(60)) == "next"
    shaker.close()


def test_a_call_that_hangs_does_not_hold_up_the_next() -> None:
    release = threading.Event()

    def slow() -> str:
        release.wait(60)
        return "late"

    shaker = handshaker()
    with pytest.raises(TimeoutError):
        shaker.run(slow, Deadline(0.05))
    assert shaker.run(lambda: "next", Deadline(60)) == "next"
    release.set()
    shaker.close()


def test_a_closed_one_leaves_no_thread() -> None:
    shaker = handshaker()
    shaker.run(lambda: "done", Deadline(60))
    running = threads()
    shaker.close()
    for thread in running:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in running)


def test_a_call_is_not_begun_after_the_deadline() -> None:
    begun = iter(["begun"])
    with pytest.raises(TimeoutError):
        handshaker().run(lambda: next(begun), Deadline(0))
    assert list(begun) == ["begun"]
