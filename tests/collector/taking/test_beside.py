"""What is asked for beside something else, in a thread of its own."""

import sys

import pytest

from memcollect.taking.beside import Beside
from worlds.children import run


def test_the_answer_is_there_when_it_is_wanted() -> None:
    assert Beside(lambda: 7).result() == 7


def test_what_asking_raised_is_raised_where_the_answer_is_wanted() -> None:
    with pytest.raises(ZeroDivisionError):
        Beside(lambda: 1 // 0).result()


def test_with_the_answer_its_thread_is_gone_and_processes_may_be_forked() -> None:
    """Python says that a thread has ended a little before the kernel does."""
    program = (
        "from memcollect.taking.beside import Beside; from memcollect.taking.crew import may_fork;"
        " print(all(Beside(int).result() == 0 and may_fork() for _ in range(300)))"
    )
    assert run([sys.executable, "-c", program], check=True).stdout.split() == ["True"]
