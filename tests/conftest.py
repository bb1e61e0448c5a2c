"""What every test may count on, whatever started the test run."""

import signal
import sys
from collections.abc import Iterator
from types import FrameType

import pytest
from hypothesis import HealthCheck, settings

# The same examples every time: a failure today is a failure tomorrow, however busy the machine is.
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def default_signals() -> Iterator[None]:
    """Let interrupts reach the programs that tests start, and the tests themselves.

    Where a script starts the tests in its background, or nohup does, SIGINT, SIGQUIT and SIGHUP are ignored,
    and every child would inherit that. A signal that is handled is the default again in a child (execve(2)),
    so a handler that does nothing suffices: the tests themselves outlive a hang-up as they were told to.
    """
    ignored = [each for each in (signal.SIGQUIT, signal.SIGHUP) if signal.getsignal(each) is signal.SIG_IGN]
    for each in ignored:
        signal.signal(each, _stay)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # As Python does where it is not ignored: some tests press Ctrl-C in their own process.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        ignored.append(signal.SIGINT)
    yield
    for each in ignored:
        signal.signal(each, signal.SIG_IGN)


def _stay(_number: int, _frame: FrameType | None) -> None:
    """Do nothing."""


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests() -> None:
    """Forget what other tests have sent, or their keys would be masked in this one's texts."""
    secrecy = sys.modules.get("memcollect.secrecy")
    if secrecy is not None:
        secrecy.forget_secrets()
