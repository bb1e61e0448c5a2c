"""What must hold of every situation, whatever it is."""

import pytest

from memcollect.documents.snapshot import Snapshot
from worlds.reported_cases import NAMES, Told, told, told_locally

LOCAL = frozenset({"30-service-active-cache", "51-path-shapes", "v05-files"})
"""They have a node and no API."""
DOCUMENTS = frozenset({"real-kernel-oom"})
"""They have no tree: `stored` reads what was measured."""
SERVED = tuple(name for name in NAMES if name not in DOCUMENTS)


def tell(case: str) -> Told:
    return told_locally(case) if case in LOCAL else told(case)


@pytest.mark.parametrize("case", SERVED)
def test_the_command_ends_as_it_says(case: str) -> None:
    said = tell(case)

    assert said.code == (3 if said.snapshot.missing else 0)
    assert "should not happen" not in said.errors


@pytest.mark.parametrize("case", SERVED)
def test_every_pod_has_a_verdict_of_whole_sentences(case: str) -> None:
    for pod in tell(case).snapshot.pods:
        assert pod.verdict.endswith(".")
        assert "None" not in pod.verdict
        assert "  " not in pod.verdict


@pytest.mark.parametrize("case", SERVED)
def test_the_report_shows_every_verdict(case: str) -> None:
    said = tell(case)
    if shown_in_full(said.snapshot):
        for pod in said.snapshot.pods:
            assert " ".join(pod.verdict.split()) in said.words


def shown_in_full(snapshot: Snapshot) -> bool:
    return len(snapshot.pods) <= 8
