from collections.abc import Callable

import pytest
from msgspec.structs import replace

from memcollect.documents.snapshot import Missing, Pod, Snapshot, Subtotal, Summary
from memcollect.explain import explain_pod
from memcollect.reporters import groups, html, markdown, table

NO_AGENT = Missing(kind="pod", name="", node="n1", reason="no-agent", detail="Node n1 has no agent.")


def _snapshot(**changes: object) -> Snapshot:
    fields = {"captured_at": "", "finished_at": "", "mode": "cluster", **changes}
    return Snapshot(**fields)  # type: ignore[arg-type] # what a test changes is of the right type


def test_one_reason_that_holds_for_many_is_said_once_with_its_names() -> None:
    missing = [replace(NO_AGENT, name=f"team/p{number}") for number in range(7)]
    [(first, names)] = groups.missing_groups(missing)
    assert first == missing[0]
    assert groups.some_names(names, "pod") == "7 pods: team/p0, team/p1, team/p2, team/p3, team/p4 and 2 more"


def test_reasons_that_differ_stay_apart() -> None:
    missing = [replace(NO_AGENT, name="a"), replace(NO_AGENT, name="b", node="n2")]
    assert [names for _, names in groups.missing_groups(missing)] == [["a"], ["b"]]


def test_subtotals_are_shown_only_where_there_are_several_largest_first() -> None:
    rows = [
        Subtotal(name="a", working_set_bytes=1),
        Subtotal(name="b", working_set_bytes=5),
        Subtotal(name="c"),
    ]
    one = _snapshot(summary=Summary(namespaces=rows[:1]))
    many = _snapshot(summary=Summary(namespaces=rows))
    assert groups.subtotals(one) == []
    assert groups.subtotals(many) == [("Namespace", [rows[1], rows[0], rows[2]], 0)]


def test_more_rows_than_a_screen_holds_are_counted() -> None:
    rows = [Subtotal(name=f"n{number}") for number in range(25)]
    [(_, shown, left_out)] = groups.subtotals(_snapshot(summary=Summary(nodes=rows)))
    assert (len(shown), left_out) == (20, 5)


def test_both_reports_show_each_nodes_own_available_memory_beside_its_pods() -> None:
    rows = [
        Subtotal(
            name="n1", pods=2, pods_measured=1, working_set_bytes=3 << 20, memory_available_bytes=9 << 20
        ),
        Subtotal(name="n2", pods=1, top_bytes=4 << 20),
    ]
    snapshot = _snapshot(pods=[Pod(uid="u", name="p")], summary=Summary(nodes=rows))
    lines = table.render(snapshot, details="none").splitlines()
    assert next(line for line in lines if line.startswith("n1")).split() == [
        "n1",
        "2",
        "1",
        "3.0Mi",
        "?",
        "9.0Mi",
    ]
    assert next(line for line in lines if line.startswith("n2")).split() == [
        "n2",
        "1",
        "0",
        "?",
        "4.0Mi",
        "?",
    ]
    assert "| `n1` | 2 | 1 | 3.0 MiB | ? | 9.0 MiB |" in markdown.render(snapshot)


KUBELET = "The kubelet of node n1 cannot be reached (refused): see `kubectl describe node n1`."


def unmeasured(*names: str) -> Snapshot:
    missing = [
        Missing(kind="pod", name=f"team/{name}", node="n1", reason="kubelet-down", detail=KUBELET)
        for name in names
    ]
    pods = [Pod(uid=name, name=name, namespace="team", node="n1", unmeasured=KUBELET) for name in names]
    return _snapshot(pods=[explain_pod(pod, None) for pod in pods], missing=missing)


@pytest.mark.parametrize("report", [table.render, markdown.render, html.render])
def test_why_several_pods_were_not_measured_is_said_once_on_a_page(report: Callable[..., str]) -> None:
    page = " ".join(report(unmeasured("a", "b", "c"), details="all").split())
    assert page.count("cannot be reached") == 1
    assert page.count("Not measured (kubelet-down), as 2 other pods: why stands under") >= 3


@pytest.mark.parametrize("report", [table.render, markdown.render, html.render])
def test_the_reason_of_one_pod_alone_stands_at_the_pod(report: Callable[..., str]) -> None:
    page = " ".join(report(unmeasured("a"), details="all").split())
    assert "Not measured: The kubelet of node n1 cannot be reached" in page


def refused(pod: str, node: str) -> Missing:
    detail = f"Nothing listens on memcollect/agent-{node}:9."
    return Missing(kind="pod", name=pod, node=node, reason="agent-refused", detail=detail)


def test_what_differs_in_the_node_and_its_agent_alone_is_said_once_with_how_many() -> None:
    missing = [refused("a/1", "n1"), refused("a/2", "n1"), refused("a/3", "n2"), refused("a/4", "n3")]
    [(first, names)] = groups.missing_groups(missing)
    assert names == ["a/1", "a/2", "a/3", "a/4"]
    assert first.node == "3 nodes"
    assert first.detail == ("Nothing listens on memcollect/agent-n1:9. It is the same on the other 2 nodes.")


@pytest.mark.parametrize(
    ("nodes", "line"),
    [
        (["n1"], "node n1 (no-agent): Node n1 has no agent."),
        (
            ["n1", "n2"],
            "2 nodes: n1, n2 (no-agent): Node n1 has no agent. It is the same on the other node.",
        ),
    ],
)
def test_what_is_missing_of_a_node_names_it_once(nodes: list[str], line: str) -> None:
    missing = [
        Missing(kind="node", name=each, node=each, reason="no-agent", detail=f"Node {each} has no agent.")
        for each in nodes
    ]
    snapshot = _snapshot(missing=missing)
    assert f"✗ {line}" in " ".join(table.render(snapshot, width=200).split())
    assert " on n" not in markdown.render(snapshot)
    assert " on n" not in html.render(snapshot)


def test_another_reason_on_another_node_stays_another() -> None:
    other = Missing(kind="pod", name="a/5", node="n2", reason="timeout", detail="n2 did not answer.")
    found = groups.missing_groups([refused("a/1", "n1"), other])
    assert [(each.node, names) for each, names in found] == [("n1", ["a/1"]), ("n2", ["a/5"])]


def unread(pod: str, processes: int) -> Missing:
    return Missing(
        kind="process", name=pod, node="n1", reason="denied", detail="refused.", processes=processes
    )


def test_unread_processes_are_counted_and_their_pods_named() -> None:
    [(first, names)] = groups.missing_groups([unread("a/1", 3), unread("a/2", 35)])
    assert groups.whose(first, names) == "38 processes of 2 pods: a/1, a/2"


def test_one_unread_process_is_one() -> None:
    [(first, names)] = groups.missing_groups([unread("a/1", 1)])
    assert groups.whose(first, names) == "1 process of pod a/1"


def test_a_page_says_once_what_all_pods_of_a_node_lack() -> None:
    missing = [unread(f"team/p{number}", 2) for number in range(19)]
    line = next(line for line in table.render(_snapshot(missing=missing)).splitlines() if "✗" in line)
    assert line.startswith("  ✗ 38 processes of 19 pods: team/p0, team/p1")
    assert table.render(_snapshot(missing=missing)).count("refused.") == 1
