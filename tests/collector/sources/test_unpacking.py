"""What an agent's bytes become is bounded before they are decoded, whatever shape they have."""

import sys

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memcollect.sources import unpacking
from memcollect.sources.agent_http import AgentFailure, decoded
from memcollect.sources.transport import Endpoint
from memcollect.sources.unpacking import MOST_DECODED_BYTES, decoded_bytes, grows_too_large
from memcollect_agent.wire import CgroupHistory
from worlds import children, greedy_answers

MOST_MIB = MOST_DECODED_BYTES >> 20
KEYS = [b"\xa4%04d\x01" % number for number in range(10_000)]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@pytest.mark.parametrize("shape", ["cgroups", "unequal keys", "columns", "counts"])
def test_the_most_of_a_shape_that_is_decoded_takes_no_more_than_was_reckoned(shape: str) -> None:
    """A quarter of it, for the sake of those who wait."""
    said, grown_mib = measured(shape, 25)
    assert said == "decoded"
    assert 5 < grown_mib < MOST_MIB // 4


def measured(shape: str, percent: int) -> tuple[str, int]:
    command = [sys.executable, greedy_answers.__file__, shape, str(percent)]
    said, grown_mib = children.run(command, check=True).stdout.split()
    return said, int(grown_mib)


@pytest.mark.parametrize("shape", sorted(greedy_answers.SHAPES))
def test_of_every_shape_one_is_allowed_and_what_is_a_little_more_is_not(shape: str) -> None:
    _kind, body = greedy_answers.answer(shape, 1)
    assert not grows_too_large(body)
    assert grows_too_large(body, decoded_bytes(body) * 99 // 100)


def test_what_would_take_more_is_refused_and_never_decoded() -> None:
    kind, body = greedy_answers.answer("cgroups", 102)
    with pytest.raises(AgentFailure, match="would take more than 400 MiB of memory") as caught:
        decoded(body, kind, Endpoint(pod="p", port=1))
    assert caught.value.reason == "too-large"


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_everything_is_counted_once_and_no_more_than_if_each_byte_began_something(value: object) -> None:
    packed = msgspec.msgpack.encode(value)
    assert things(value) * 8 <= decoded_bytes(packed) - len(packed) <= unpacking._at_most(packed)
    assert grows_too_large(packed, decoded_bytes(packed)) is False
    assert grows_too_large(packed, decoded_bytes(packed) - 1) is True


def things(value: object) -> int:
    if isinstance(value, dict):
        return 1 + sum(things(key) + things(each) for key, each in value.items())
    return 1 + sum(map(things, value)) if isinstance(value, list) else 1


def test_bytes_that_look_like_maps_and_texts_and_are_numbers_are_not_taken_for_them() -> None:
    times = [float.fromhex("0x1.a8a8a8a8a8a8ap+30")] * 400_000
    packed = msgspec.msgpack.encode(CgroupHistory(path="/x", inode=1, pod_uid="u", times=times))
    assert unpacking._at_most(packed) > MOST_DECODED_BYTES
    assert decoded(packed, CgroupHistory, Endpoint(pod="p", port=1)).times == times


def test_a_text_whose_length_goes_beyond_the_end_ends_the_counting() -> None:
    assert not grows_too_large(b"\xdb\xff\xff\xff\xff" + b"\x80" * 100, 1000)
    assert grows_too_large(b"\xdf\x00\x00\x27\x10" + b"".join(KEYS), 100_000)
