import signal
from collections.abc import Iterator

import pytest

from memcollect.commands.interruption import interruption


@pytest.fixture(autouse=True)
def ours() -> Iterator[None]:
    """Let Ctrl-C be Python's own, whatever runs the tests has made of it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_while_nobody_looks_at_the_mark_it_is_an_exception_as_ever() -> None:
    with pytest.raises(KeyboardInterrupt), interruption():
        signal.raise_signal(signal.SIGINT)


def test_once_somebody_looks_it_is_a_mark(capfd: pytest.CaptureFixture[str]) -> None:
    with interruption() as ctrl_c:
        assert not ctrl_c.requested()
        signal.raise_signal(signal.SIGINT)
        assert ctrl_c.requested()
    assert "Ctrl-C again drops it" in capfd.readouterr().err


def test_the_second_one_is_an_exception_again() -> None:
    with interruption() as ctrl_c:
        assert not ctrl_c.requested()
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_afterwards_everything_is_as_before() -> None:
    with interruption():
        pass
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("theirs", [signal.SIG_IGN, lambda *_: None])
def test_a_signal_that_is_somebody_elses_stays_so(theirs: signal.Handlers) -> None:
    signal.signal(signal.SIGINT, theirs)
    with interruption() as ctrl_c:
        assert signal.getsignal(signal.SIGINT) is theirs
        assert not ctrl_c.requested()
