"""What was made is removed when the process is told to end."""

import os
import signal
import threading

import pytest

from memcollect.termination import ending_cleanly


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_runs_what_cleans_up(number: signal.Signals) -> None:
    cleaned: list[int] = []
    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(SystemExit) as ended:
            interrupted(number, cleaned)
    finally:
        signal.signal(number, before)
    assert (ended.value.code, cleaned) == (128 + number, [number])


def interrupted(number: signal.Signals, cleaned: list[int]) -> None:
    with ending_cleanly():
        try:
            os.kill(os.getpid(), number)
        finally:
            cleaned.append(number)


def test_a_signal_that_is_ignored_stays_so() -> None:
    """As a hang-up is under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ending_cleanly():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_default_is_restored() -> None:
    with ending_cleanly():
        assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_programs_own_handler_is_left_alone() -> None:
    def own(*_: object) -> None:
        return

    before = signal.signal(signal.SIGHUP, own)
    try:
        with ending_cleanly():
            assert signal.getsignal(signal.SIGHUP) is own
    finally:
        signal.signal(signal.SIGHUP, before)


def test_outside_the_main_thread_nothing_is_set() -> None:
    seen = []

    def within() -> None:
        with ending_cleanly():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=within)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL]
