import threading

from memcollect_agent.repeated import Repeated


def test_work_is_called_at_once_and_again_after_the_seconds_that_it_returns() -> None:
    pauses = [0.0, 0.0, 3600.0]
    called: list[int] = []
    waits = threading.Event()

    def work() -> float:
        called.append(len(called))
        if len(called) == 3:
            waits.set()
        return pauses[len(called) - 1]

    with Repeated(work, "test") as repeated:
        assert waits.wait(60)
        assert repeated.alive
    assert called == [0, 1, 2]


def test_leaving_ends_the_thread_without_waiting_for_the_next_call() -> None:
    called = threading.Event()

    def work() -> float:
        called.set()
        return 3600.0

    with Repeated(work, "test") as repeated:
        assert called.wait(60)
    assert not repeated.alive
