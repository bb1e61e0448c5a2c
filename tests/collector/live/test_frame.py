from memcollect.documents.snapshot import Missing
from memcollect.join import Failure
from memcollect.live.frame import departures, frame_of
from memcollect.live.model import Departed, Frame, Sort, World
from memcollect.live.nodes import NodeView
from memcollect.live.rows import Row, Use
from worlds.live_builders import MIB, growth, row, view

REFUSED = Failure("agent-refused", "Nothing listens there.")


def _frame(*views: NodeView, sort: Sort = "working-set", limit: int | None = None, **more: object) -> Frame:
    world = World(nodes={each.name: each for each in views}, **more)  # type: ignore[arg-type]
    return frame_of(world, 105.0, 10.0, sort, limit)


def _order(*rows: Row, sort: Sort) -> list[str]:
    return [shown.row.name for shown in _frame(view(*rows), sort=sort).rows]


def test_the_largest_comes_first_and_the_unmeasured_last() -> None:
    rows = row("none", None), row("small", MIB), row("large", 9 * MIB)
    assert _order(*rows, sort="working-set") == ["large", "small", "none"]


def test_names_decide_among_equals() -> None:
    assert _order(row("b"), row("c"), row("a"), sort="working-set") == ["a", "b", "c"]


def test_by_growth_what_shrinks_comes_after_what_stays_and_the_unknown_last() -> None:
    rows = (
        row("unknown"),
        row("shrinks", growth=growth(-MIB)),
        row("stays", growth=growth(0)),
        row("grows", growth=growth(MIB)),
    )
    assert _order(*rows, sort="growth") == ["grows", "stays", "shrinks", "unknown"]


def test_by_limit_share_what_has_no_limit_comes_last() -> None:
    full, half = Use(current_bytes=9, limit=10), Use(current_bytes=5, limit=10)
    assert _order(row("free"), row("half", use=half), row("full", use=full), sort="limit-share") == [
        "full",
        "half",
        "free",
    ]


def test_by_name() -> None:
    assert _order(row("b", 9 * MIB), row("a", None), sort="name") == ["a", "b"]


def test_what_is_beyond_the_limit_is_counted_and_summed() -> None:
    frame = _frame(view(row("a", 3 * MIB), row("b", 2 * MIB), row("c", MIB), row("d", None)), limit=1)
    assert [shown.row.name for shown in frame.rows] == ["a"]
    assert frame.more is not None
    assert frame.more.parts is not None
    assert (frame.more.pods, frame.more.measured, frame.more.parts.working_set_bytes) == (3, 2, 3 * MIB)
    assert frame.total.parts is not None
    assert frame.total.parts.working_set_bytes == 6 * MIB


def test_where_all_fit_there_are_no_more() -> None:
    assert _frame(view(row("a")), limit=1).more is None


def test_kubectl_tops_number_is_as_old_as_on_its_node_and_the_time_since() -> None:
    # Read at 1000 on the node's clock, sampled at 970; and 5 s ago on ours.
    (shown,) = _frame(view(row(top_bytes=MIB, top_at=970.0))).rows
    assert shown.top_age_seconds == 35.0
    assert shown.age_seconds == 5.0


def test_rows_of_a_node_that_failed_are_stale_and_the_node_is_missing() -> None:
    frame = _frame(view(row("a"), failure=REFUSED), view(row("b"), name="node-2"))
    assert {shown.row.name: shown.stale for shown in frame.rows} == {"a": True, "b": False}
    (missing,) = frame.missing
    assert (missing.kind, missing.name, missing.reason) == ("node", "node-1", "agent-refused")
    assert missing.detail == "what is shown of it was read 5 s ago: Nothing listens there."
    assert (frame.stale_nodes, frame.nodes, frame.is_complete) == (1, 2, False)


def test_a_node_that_never_answered_has_rows_that_are_not_stale_but_unmeasured() -> None:
    frame = _frame(view(row("a", None), failure=REFUSED, received=None))
    assert [(shown.stale, shown.age_seconds) for shown in frame.rows] == [(False, None)]
    assert frame.stale_nodes == 0


def test_finished_pods_are_told_below_and_are_not_missing() -> None:
    frame = _frame(view(row("job", None, finished=True), row("a")))
    assert frame.finished == ("deer-flow/job",)
    assert [shown.row.name for shown in frame.rows] == ["a"]
    assert frame.is_complete


def test_problems_of_the_round_are_missing() -> None:
    problem = Missing(kind="pod", name="x", reason="not-found", detail="There is no pod x.")
    assert _frame(view(row()), problems=(problem,)).missing == (problem,)


def test_a_pod_that_is_gone_is_told_for_a_minute() -> None:
    lately, long_ago = Departed(name="a", noticed=100.0), Departed(name="b", noticed=40.0)
    assert _frame(view(row()), departed=(lately, long_ago)).departed == (lately,)


def test_departures_are_who_was_there_and_is_no_more() -> None:
    known = (Departed(name="deer-flow/early", noticed=100.0), Departed(name="deer-flow/first", noticed=1.0))
    found = departures(known, [row("gone", MIB), row("stays")], [row("stays"), row("new")], 105.0)
    assert found == (known[0], Departed(name="deer-flow/gone", noticed=105.0, working_set_bytes=MIB))


def test_a_pod_made_anew_under_its_name_is_a_departure_too() -> None:
    (gone,) = departures((), [row("a", uid="old")], [row("a", uid="new")], 105.0)
    assert gone.name == "deer-flow/a"
