import pytest

from memcollect_agent.parse.layouts import Layouts


@pytest.fixture
def layouts() -> Layouts:
    known = Layouts(rb"%b ([0-9]{1,4})\n", head=rb"head\n", limit=2)
    known.learn(["a.b", "c"])
    return known


def test_a_layout_that_was_learnt_is_read(layouts: Layouts) -> None:
    assert layouts.numbers(b"head\na.b 1\nc 22\n") == {"a.b": 1, "c": 22}
    assert layouts.numbers(b"head\na.b 1\nc 22\n", 1024) == {"a.b": 1024, "c": 22 * 1024}


@pytest.mark.parametrize(
    "data",
    [
        b"a.b 1\nc 22\n",
        b"head\na.b 1\n",
        b"head\na.b 1\nc 22",
        b"head\na.b 1\nc 22\n\n",
        b"head\na-b 1\nc 22\n",
        b"head\nc 22\na.b 1\n",
        b"head\na.b 1\nc 22222\n",
        b"head\na.b 1\nc -2\n",
        "head\na.b 1\nc ٢\n".encode(),
    ],
)
def test_any_other_text_is_left_to_the_careful_parser(layouts: Layouts, data: bytes) -> None:
    assert layouts.numbers(data) is None


def test_layouts_are_not_collected_without_end(layouts: Layouts) -> None:
    layouts.learn(["second"])
    layouts.learn(["third"])
    assert layouts.numbers(b"head\nsecond 2\n") == {"second": 2}
    assert layouts.numbers(b"head\nthird 3\n") is None
    assert len(layouts) == 2
