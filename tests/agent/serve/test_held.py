import pytest

from memcollect_agent.serve.flights import BusyError
from memcollect_agent.serve.held import SHARED_FROM_BYTES, Held

BODY = b"x" * SHARED_FROM_BYTES


def test_an_answer_counts_once_until_its_last_client_has_it() -> None:
    held = Held()
    body = held.made(bytes(BODY))
    first, second = held.file(body), held.file(body)
    assert first is not None
    assert second is not None
    assert (held.size_bytes(), first.read()) == (len(BODY), BODY)
    first.close()
    first.close()
    assert held.size_bytes() == len(BODY)
    second.close()
    assert held.size_bytes() == 0


def test_a_small_answer_is_not_counted() -> None:
    held = Held()
    assert held.file(held.made(b"small")) is None
    assert held.size_bytes() == 0


def test_no_other_is_made_while_too_much_waits_for_its_clients() -> None:
    held = Held(most_bytes=len(BODY), patience_seconds=0.0)
    file = held.file(held.made(bytes(BODY)))
    assert file is not None
    with pytest.raises(BusyError, match="yet to take"):
        held.wait_for_room()
    file.close()
    held.wait_for_room()


def test_an_answer_that_was_made_counts_before_its_client_is_served() -> None:
    held = Held(most_bytes=len(BODY), patience_seconds=0.0)
    held.made(bytes(BODY))
    with pytest.raises(BusyError):
        held.wait_for_room()
