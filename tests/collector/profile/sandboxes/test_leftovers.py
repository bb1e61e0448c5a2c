"""What nodes hold after a deletion is looked for until it is gone, with bounded patience."""

from collections.abc import Collection, Sequence
from typing import cast

import pytest

from memcollect.documents.run import Moment, NodeEvidence
from memcollect.documents.snapshot import Missing
from memcollect.profile.node_evidence import Nodes
from memcollect.profile.sandboxes import cleanup
from memcollect.profile.sandboxes.cleanup import leftovers

Look = dict[str, tuple[int, list[str]] | None]
"""By node its cgroups and processes; None: its agent does not answer."""
CLEAN: tuple[int, list[str]] = (0, [])
HOLDING: Look = {"n": (2, ["shim"])}


class Stepped:
    """Nodes that hold what they are told to, look by look; the last look stays."""

    def __init__(self, *looks: Look) -> None:
        self._looks = looks
        self.count = 0

    def look(
        self, moment: Moment, nodes: Collection[str] | None, uids: Sequence[str], missing: list[Missing]
    ) -> list[NodeEvidence]:
        del nodes, uids
        look = self._looks[min(self.count, len(self._looks) - 1)]
        self.count += 1
        silent = [node for node, holds in look.items() if holds is None]
        missing += [Missing(kind="node", name=node, reason="unreachable", detail="no") for node in silent]
        return [
            NodeEvidence(node=node, moment=moment, leftover_cgroups=holds[0], leftover_processes=holds[1])
            for node, holds in look.items()
            if holds is not None
        ]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "_LEFTOVER_PAUSE_SECONDS", 0.05)
    monkeypatch.setattr(cleanup, "PATIENCE_SECONDS", 0.6)


def after(*looks: Look) -> tuple[list[NodeEvidence], list[Missing], list[str], int]:
    nodes, missing, said = Stepped(*looks), list[Missing](), list[str]()
    found = leftovers(cast("Nodes", nodes), ["n", "m"], ["uid"], missing, said.append)
    return found, missing, said, nodes.count


def test_what_goes_after_some_looks_is_no_leftover_and_the_time_is_kept() -> None:
    found, _, said, count = after(*([HOLDING] * 3), {"n": CLEAN})
    assert (found[0].leftover_cgroups, count) == (0, 4)
    assert 0.15 <= (found[0].waited_seconds or 0.0) < 0.6
    assert said == [
        "deleted, and node n holds 2 cgroups and 1 process: looking again for 0.6 s at most",
    ]


def test_a_clean_node_is_looked_at_once() -> None:
    found, _, said, count = after({"n": CLEAN})
    assert (found[0].leftover_cgroups, said, count) == (0, [], 1)


def test_what_never_goes_is_left_over_after_all_of_the_patience() -> None:
    found, _, _, _ = after({"n": (2, ["shim"])})
    assert (found[0].leftover_cgroups, found[0].leftover_processes) == (2, ["shim"])
    assert (found[0].waited_seconds or 0.0) >= 0.6


def test_a_node_that_held_some_and_does_not_answer_any_more_is_missing_and_never_clean() -> None:
    found, missing, _, count = after({"n": (2, []), "m": CLEAN}, {"n": None, "m": CLEAN})
    assert [each.node for each in found] == ["m"]
    assert [each.name for each in missing] == ["n"]
    assert count > 4


def test_a_node_that_answers_again_is_believed_and_is_not_missing() -> None:
    found, missing, _, _ = after({"n": (2, [])}, {"n": None}, {"n": CLEAN})
    assert ([each.leftover_cgroups for each in found], missing) == ([0], [])


def test_a_node_that_never_answered_is_not_waited_for() -> None:
    found, missing, _, count = after({"n": None})
    assert (found, [each.name for each in missing], count) == ([], ["n"], 1)
