"""What must hold of every situation, whatever it is."""

import pytest

from memcollect.documents.snapshot import Snapshot
from worlds import verdicts_page
from worlds.verdicts_page import SERVED, tell


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


def test_the_page_of_all_verdicts_is_as_it_was_read() -> None:
    written = verdicts_page.PAGE.read_text(encoding="utf-8")

    assert verdicts_page.page() == written, "read the new page: cd tests && python -m worlds.verdicts_page"


def shown_in_full(snapshot: Snapshot) -> bool:
    return len(snapshot.pods) <= 8
