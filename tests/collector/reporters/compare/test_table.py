from pathlib import Path

import pytest
from rich.cells import cell_len

from memcollect.compare import Question, compare
from memcollect.reporters.compare.formats import rendered
from worlds import compare_builders as build
from worlds import sample_snapshots as samples

GOLDEN = Path(__file__).parent / "golden"
QUESTION = Question(baseline="aio", issue="#3213", version="0.1.0")


@pytest.mark.parametrize("width", [20, 80, 140])
@pytest.mark.parametrize("name", ["cube", "a-very-long-name-of-a-backend" * 4, samples.HOSTILE, "名前" * 30])
def test_no_line_is_wider_than_the_terminal(width: int, name: str) -> None:
    text = rendered(compare(build.rich_pair(name, name), QUESTION), "table", width=width)
    assert max(cell_len(line) for line in text.splitlines()) <= max(width, 80)
    assert "\x1b" not in text


def test_a_wide_terminal_shows_the_spread_of_every_term() -> None:
    comparison = compare(build.rich_pair(), QUESTION)
    assert rendered(comparison, "table", width=140).count("Min–max") > rendered(comparison, "table").count(
        "Min–max"
    )
