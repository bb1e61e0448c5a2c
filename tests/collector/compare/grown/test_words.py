from dataclasses import replace
from typing import Any

from memcollect.compare.comparison import Question, compare
from memcollect.compare.grown.words import headline
from memcollect.compare.growth import Growth, PodChange
from worlds.compare_builders import MIB, document, pod, snapshot


def change(name: str, before: int, after: int, **more: Any) -> PodChange:
    fields: dict[str, Any] = {
        "pod": name,
        "matched_by": "uid",
        "working_set_before_bytes": before * MIB,
        "working_set_after_bytes": after * MIB,
        "working_set_change_bytes": (after - before) * MIB,
        "charge_change_bytes": (after - before) * MIB,
        **more,
    }
    return PodChange(**fields)


def said(*pods: PodChange, seconds: float = 600) -> str:
    return headline(Growth(before="before.json", after="after.json", seconds=seconds, pods=list(pods)))


def test_the_pod_that_grew_most_is_named_with_both_numbers() -> None:
    assert said(change("team/a", 580, 792), change("team/b", 100, 100), change("team/c", 50, 60)) == (
        "team/a grew by 212 MiB in 10 min: its working set is 792 MiB, it was 580 MiB."
        " 1 other pod changed, too; 1 stayed within 1 MiB or 1 %."
    )


def test_a_charge_that_tells_another_story_is_told_beside_it() -> None:
    sentence = said(change("team/a", 100, 300, charge_change_bytes=-50 * MIB))
    assert "while all it is charged for, cold page cache included, fell by 50 MiB" in sentence
    assert "charged" not in said(change("team/a", 100, 300, charge_change_bytes=210 * MIB))


def test_a_pod_that_only_its_charge_moved_did_not_grow_its_working_set() -> None:
    sentence = said(change("team/a", 100, 100, charge_change_bytes=900 * MIB))
    assert sentence.startswith("team/a kept its working set in 10 min")
    assert "grew by 900 MiB" in sentence


def test_one_that_grew_goes_before_one_that_shrank_more() -> None:
    assert said(change("team/big", 900, 100), change("team/a", 100, 150)).startswith("team/a grew by 50 MiB")
    assert said(change("team/big", 900, 100)).startswith("team/big shrank by 800 MiB")


def test_a_successor_and_restarts_are_named_as_what_they_are() -> None:
    assert said(change("team/a-2", 100, 300, was="team/a-1", matched_by="owner")).startswith(
        "team/a-2, which replaced team/a-1, grew"
    )
    again = said(change("team/a", 100, 300, matched_by="name"))
    assert again.startswith("team/a, a new pod of that name, grew")
    assert "its containers restarted 2 times meanwhile" in said(change("team/a", 100, 300, restarts=2))


def test_nothing_that_grew_is_a_result() -> None:
    assert said(change("team/a", 1000, 1005), change("team/b", 3, 3), seconds=7200) == (
        "Nothing grew: all 2 pods in both changed by less than 1 MiB or 1 % in 2.0 h."
    )


def test_what_is_not_known_is_said() -> None:
    unknown = {"working_set_change_bytes": None, "charge_change_bytes": None}
    blind = change("team/a", 0, 0, **unknown, reason="after: gone")
    assert said(blind) == "No pod's change is known: team/a: after: gone."


def test_whoever_names_a_baseline_compares_backends() -> None:
    documents = [
        document(snapshot(pod(MIB), sample="a"), "a.json"),
        document(snapshot(pod(9 * MIB), sample="b", captured_at="2026-01-01T00:10:00Z"), "b.json"),
    ]
    asked = Question()
    assert compare(documents, asked).verdict.startswith("deer-flow/sandbox-1 grew by 8 MiB")
    for other in (replace(asked, by="file"), replace(asked, issue="#1")):
        held = compare(documents, other)
        assert held.growth is None
        assert "grew" not in held.verdict
