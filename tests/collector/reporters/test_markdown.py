import re
from itertools import pairwise

from memcollect.reporters import markdown
from worlds import sample_snapshots as samples


def test_every_row_of_a_table_has_as_many_cells_as_its_heading() -> None:
    hostile = samples.hostile_pod()
    lines = markdown.render(samples.snapshot(samples.pod(), hostile, sample=samples.HOSTILE)).splitlines()
    cells = [_cells(line) if line.startswith("|") else 0 for line in lines]
    assert all(left == right for left, right in pairwise(cells) if left and right)
    assert max(cells) == 9


def test_many_pods_are_a_table_unless_details_are_asked_for() -> None:
    snapshot = samples.snapshot(*[samples.pod(f"p{index}") for index in range(9)])
    assert "## `deer-flow/p8`" not in markdown.render(snapshot)
    assert "## `deer-flow/p8`" in markdown.render(snapshot, details="all")


def test_hostile_names_make_no_markup() -> None:
    hostile = samples.hostile_pod()
    text = markdown.render(samples.snapshot(hostile, missing=[samples.missing_pod(samples.HOSTILE)]))
    outside_code = re.sub(r"(`+).+?(?<!`)\1(?!`)", "", text)
    assert "\x1b" not in text
    assert "\r" not in text
    assert not re.search(r"(?<!\\)<script", outside_code)
    assert not re.search(r"(?<!\\)@all", outside_code)
    assert not re.search(r"(?<!\\)\[x", outside_code)


def _cells(line: str) -> int:
    """Return how many cells GitHub sees: pipes count unless a backslash stands before them."""
    return len(re.findall(r"(?<!\\)\|", line)) - 1
