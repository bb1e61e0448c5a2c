import pytest

from memcollect.doctor.wording import count, few, of_nodes, seconds


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "c"], "a, b, c"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 more"),
        (["\x1b[2J"], "\\x1b[2J"),
    ],
)
def test_a_few_names_are_told_and_the_rest_counted(names: list[str], told: str) -> None:
    assert few(names) == told


def test_a_number_has_its_noun() -> None:
    assert (count(0, "node"), count(1, "node"), count(2, "node")) == ("0 nodes", "1 node", "2 nodes")
    assert of_nodes(["a"], 3) == "1 of 3 nodes (a)"


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0, "0 ms"), (0.0123, "12 ms"), (1.25, "1.2 s"), (60.0, "60 s"), (300.0, "5 min"), (7200.0, "2.0 h")],
)
def test_times_are_told_in_the_unit_that_fits(value: float, told: str) -> None:
    assert seconds(value) == told
