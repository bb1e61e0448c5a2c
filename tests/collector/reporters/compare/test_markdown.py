import re
from itertools import pairwise
from pathlib import Path

from memcollect.compare import Question, compare
from memcollect.reporters.compare.formats import rendered
from worlds import compare_builders as build
from worlds import sample_snapshots as samples

GOLDEN = Path(__file__).parent / "golden"
QUESTION = Question(baseline="aio", issue="#3213", version="0.1.0")


def test_the_issue_stays_a_link_and_nothing_else_becomes_one() -> None:
    text = rendered(compare(build.rich_pair("cube #1"), QUESTION), "markdown")
    assert "**Related to #3213. " in text
    assert r"cube \#1" in text


def test_every_row_of_a_table_has_as_many_cells_as_its_heading() -> None:
    documents = build.rich_pair(samples.HOSTILE, samples.HOSTILE)
    lines = rendered(compare(documents, QUESTION), "markdown").splitlines()
    cells = [len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else 0 for line in lines]
    assert max(cells) > 5
    assert all(left == right for left, right in pairwise(cells) if left and right)


def test_hostile_names_make_no_markup() -> None:
    text = rendered(compare(build.rich_pair(samples.HOSTILE, samples.HOSTILE), QUESTION), "markdown")
    assert "\x1b" not in text
    assert "\r" not in text
    assert not re.search(r"(?<!\\)<script", text)
    assert not re.search(r"(?<!\\)@all", text)
    assert not re.search(r"(?<!\\)\[x", text)
