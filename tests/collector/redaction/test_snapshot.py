"""A redacted snapshot has no name of the original, and says of every pod the same but for names."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from memcollect.documents.snapshot import Snapshot
from memcollect.errors import UsageError
from memcollect.explain import explain
from memcollect.redaction.snapshot import redacted_snapshot
from memcollect.redaction.words import Words
from memcollect.reporters import json
from worlds import sample_snapshots as samples
from worlds.redactions import KEY, named
from worlds.reported_cases import told, told_of_nodes
from worlds.schemas import faults

TOLD = ("34-thanos-shared-files", "46-gvisor-cri-per-container", "37-evicted-crashloop", "26-resize-stuck")
NAMES = st.from_regex(r"zq[bcdfgjkvwxz]{2,8}(-[bcdfgjkvwxz0-9]{1,5}){0,2}", fullmatch=True)
"""Names that no sentence of ours has in it."""


def explanation(snapshot: Snapshot) -> list[Any]:
    return [
        [
            pod.verdict,
            pod.composition,
            pod.ladder,
            [(each.cause, each.estimate_bytes, each.sentence, each.severity) for each in pod.findings],
            [(each.topic, each.amount_bytes) for each in pod.statements],
            [
                (each.ladder, each.composition, [(s.name, s.processes, s.pss_bytes) for s in each.services])
                for each in pod.containers
            ],
        ]
        for pod in snapshot.pods
    ]


def as_text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


@pytest.mark.parametrize("case", TOLD)
def test_the_explanation_and_every_number_are_the_same_but_for_names(case: str) -> None:
    original = explain(told(case).snapshot)
    words = Words(KEY)
    redacted = redacted_snapshot(original, words)
    assert faults("snapshot", msgspec.json.decode(msgspec.json.encode(redacted))) == []
    assert named(as_text(explanation(redacted)), words) == as_text(explanation(original))
    assert list(numbers(redacted)) == list(numbers(original))


def test_the_account_of_a_node_is_the_same_but_for_names() -> None:
    original = told_of_nodes("32-orphan-pods").snapshot
    words = Words(KEY)
    redacted = redacted_snapshot(original, words)
    (before,), (after,) = original.accounts, redacted.accounts
    assert named(after.verdict, words) == before.verdict
    assert (after.kinds, after.ladder) == (before.kinds, before.ladder)
    kinds = [[(each.kind, each.bytes) for each in account.holders] for account in (before, after)]
    assert sorted(kinds[0]) == sorted(kinds[1])


def numbers(value: Any) -> Iterator[Any]:
    if isinstance(value, Struct):
        value = msgspec.structs.asdict(value)
    if isinstance(value, dict):
        for each in value.values():
            yield from numbers(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from numbers(each)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


@settings(max_examples=25)
@given(names=st.lists(NAMES, min_size=12, max_size=12, unique=True))
def test_no_name_of_four_letters_or_more_is_left(names: list[str]) -> None:
    original = explain(_full_of(names))
    words = Words(KEY)
    redacted = redacted_snapshot(original, words)
    text = json.render(redacted)
    assert [each for each in names if each in text] == []
    assert "10.1.2.3" not in text
    assert [named(pod.verdict, words) for pod in redacted.pods] == [pod.verdict for pod in original.pods]


def _full_of(names: list[str]) -> Snapshot:
    pod = samples.pod(
        names[0],
        namespace=names[1],
        node=names[2],
        labels={names[3]: names[4]},
        owner=f"StatefulSet/{names[5]}",
        message=f'back-off restarting failed container "{names[6]}" of {names[0]} at 10.1.2.3',
        twins=[f"/kubepods/{names[7]}/pod11111111-2222-3333-4444-555555555555"],
    )
    containers = [
        msgspec.structs.replace(
            each,
            image=f"{names[8]}.example.com/{names[9]}/{names[10]}:{names[11]}",
            processes=[
                msgspec.structs.replace(
                    process,
                    command=f"python3 /srv/{names[5]}/{names[6]}.py --{names[7]}={names[8]} -c {names[9]}",
                    exe=f"/opt/{names[10]}/{names[11]} (deleted)",
                    comm=names[4][:15],
                )
                for process in each.processes
            ],
        )
        for each in pod.containers
    ]
    return samples.snapshot(
        msgspec.structs.replace(pod, containers=containers),
        missing=[samples.missing_pod(names[3])],
        notes=[f"Pod {names[1]}/{names[0]} was measured by https://{names[2]}.{names[3]}.internal:6443/."],
        sample=names[9],
    )


def test_equal_names_stay_equal_and_the_key_decides_what_they_become() -> None:
    original = samples.snapshot(samples.pod("one", node="zqnode"), samples.pod("two", node="zqnode"))
    first, second = (redacted_snapshot(original, Words(key * 16)) for key in (b"a", b"b"))
    assert first.pods[0].node == first.pods[1].node != "zqnode"
    assert first.pods[0].name != first.pods[1].name
    assert first.pods[0].node != second.pods[0].node


def test_what_is_redacted_is_not_redacted_again() -> None:
    redacted = redacted_snapshot(samples.snapshot(), Words(KEY))
    with pytest.raises(UsageError, match=r"The snapshot is redacted already\."):
        redacted_snapshot(redacted, Words(KEY))


def test_hostile_names_are_replaced_too() -> None:
    text = json.render(redacted_snapshot(explain(samples.snapshot(samples.hostile_pod())), Words(KEY)))
    assert "e.vil" not in text
    assert "script" not in text.replace("description", "")
