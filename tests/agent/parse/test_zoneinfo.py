import pytest

from memcollect_agent.errors import ParseError
from memcollect_agent.parse.zoneinfo import parse_free_percpu

TEXT = b"""\
Node 0, zone   Normal
  pages free     3885
  pagesets
    cpu: 0
              count:    353
              high:     378
    cpu: 1
              count:    7
              high:     378
Node 0, zone  Movable
  pages free     0
"""


def test_free_pages_of_every_cpus_list_are_added_up() -> None:
    assert parse_free_percpu(TEXT) == 360


@pytest.mark.parametrize("data", [b"", b"Node 0, zone DMA\n", b"count: 5", b"\0\n"])
def test_a_text_without_such_a_list_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse_free_percpu(data)
