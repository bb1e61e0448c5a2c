import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import swaps

HEAD = b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"


def test_devices_are_counted_without_the_heading() -> None:
    assert swaps.parse_count(HEAD) == 0
    assert swaps.parse_count(HEAD + b"/dev/ubdb partition\t131068\t49152\t-2\n") == 1


def test_another_form_is_refused() -> None:
    with pytest.raises(ParseError):
        swaps.parse_count(b"/dev/ubdb partition 131068 49152 -2\n")
