"""Rows by node and by namespace."""

from memcollect.live.frame import frame_of
from memcollect.live.groups import groups_of
from memcollect.live.model import Frame, World
from worlds.live_builders import MIB, row, view

ROWS = (
    row("a", 10 * MIB, node="small", namespace="x"),
    row("b", 30 * MIB, node="large", namespace="y"),
    row("c", 40 * MIB, node="large", namespace="x"),
    row("d", None, node=None, namespace="y"),
)


def _frame() -> Frame:
    return frame_of(World(nodes={"n": view(*ROWS)}), 100.0, 10.0, "working-set")


def test_without_grouping_there_is_one_group_of_all() -> None:
    (group,) = groups_of(_frame(), "none")
    assert group.name == ""
    assert [each.row.name for each in group.rows] == ["c", "b", "a", "d"]


def test_the_largest_node_comes_first_with_its_sum_and_pods_of_no_node_last() -> None:
    groups = groups_of(_frame(), "node")
    assert [group.name for group in groups] == ["large", "small", "on no node"]
    assert groups[0].totals.parts is not None
    assert groups[0].totals.parts.working_set_bytes == 70 * MIB
    assert groups[2].totals.measured == 0


def test_every_row_is_in_exactly_one_group() -> None:
    for grouping in ("node", "namespace"):
        rows = [each.row.uid for group in groups_of(_frame(), grouping) for each in group.rows]
        assert sorted(rows) == sorted(each.uid for each in ROWS)
