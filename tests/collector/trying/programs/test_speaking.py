"""What the programs of the drivers have in common."""

import pytest

from memcollect.trying.programs.speaking import Refused, delete_each


def test_deletions_go_on_past_one_that_is_gone_and_one_that_fails_which_is_told_at_the_end() -> None:
    asked: list[str] = []

    def delete(name: str) -> None:
        asked.append(name)
        if name == "gone":
            raise Refused("not-found", "there is no sandbox gone")
        if name == "held":
            raise ConnectionResetError("the answer was cut off")

    delete_each(["gone", "a"], delete)
    with pytest.raises(ConnectionResetError, match="cut off"):
        delete_each(["gone", "held", "b"], delete)
    assert asked == ["gone", "a", "gone", "held", "b"]
