import pytest

from memcollect_agent.serve import schema
from memcollect_agent.serve.answers import Refusal


@pytest.mark.parametrize("spoken", ["4", "5", "6", " 5 ", "1-4", "6-9", "1-9", "3-5", "9-1"])
def test_neighbours_and_ranges_that_reach_them_are_understood(spoken: str) -> None:
    schema.check(spoken, own=5)


def test_an_old_collector_is_told_to_upgrade_itself() -> None:
    with pytest.raises(Refusal, match="upgrade the collector") as caught:
        schema.check("1-3", own=5)
    assert caught.value.status == 426
    assert "speaks schema 5 and the collector only 3" in caught.value.sentence


def test_an_old_agent_says_that_it_is_the_one_to_upgrade() -> None:
    with pytest.raises(Refusal, match="upgrade the agent") as caught:
        schema.check("7-8", own=5)
    assert caught.value.status == 426
    assert "release with schema 7" in caught.value.sentence


@pytest.mark.parametrize("spoken", ["", "x", "-1", "1.5", "1-", "1-2-3", "9" * 50, "٣", "\x1b[2J"])
def test_a_header_that_says_nothing_readable_is_a_bad_request(spoken: str) -> None:
    with pytest.raises(Refusal, match="must be a number or a range") as caught:
        schema.check(spoken, own=5)
    assert caught.value.status == 400
    assert caught.value.sentence.isprintable()
    assert len(caught.value.sentence) < 200
