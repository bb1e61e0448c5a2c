"""What must hold of every situation, whatever it is."""

import re
from collections.abc import Iterator

import pytest

from memcollect.documents.snapshot import Pod, Snapshot
from memcollect.reporters.groups import said_once
from texts.adjoining import Adjoining
from texts.catalogue import all_texts
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
        missing = {(each.kind, each.name): each.reason for each in said.snapshot.missing}
        for pod, briefly in zip(said.snapshot.pods, said_once(said.snapshot).pods, strict=True):
            assert " ".join(briefly.verdict.split()) in said.words
            assert briefly.verdict == pod.verdict or missing["pod", pod.full_name] in said.words


@pytest.mark.parametrize("case", SERVED)
def test_all_that_is_said_is_in_the_catalogue_of_texts(case: str, catalogue: Adjoining) -> None:
    snapshot = tell(case).snapshot

    for text in said_of(snapshot):
        assert catalogue.strange(text, names_in(snapshot)) == [], text


@pytest.fixture(scope="module")
def catalogue() -> Adjoining:
    return Adjoining(all_texts())


def said_of(snapshot: Snapshot) -> Iterator[str]:
    yield from snapshot.notes
    yield from (missing.detail for missing in snapshot.missing)
    for pod in snapshot.pods:
        texts = [pod.verdict, *(text for each in pod.findings for text in (each.sentence, each.remedy or ""))]
        yield from (text.replace(pod.message or "\n", "") for text in texts)
        yield from (each.reason for each in pod.undecided)


def names_in(snapshot: Snapshot) -> set[str]:
    """Return the words that the case has chosen: of its nodes', pods', containers' and programs' names."""
    names = {name for pod in snapshot.pods for name in names_of(pod)}
    nodes = {*(pod.node for pod in snapshot.pods), *(missing.node for missing in snapshot.missing)}
    names |= {node for node in nodes if node is not None}
    return {word for name in names for word in re.findall(r"[a-z]+", name)}


def names_of(pod: Pod) -> Iterator[str]:
    yield pod.name
    for container in pod.containers:
        yield container.name
        yield from (process.comm for process in container.processes or [])


def test_the_page_of_all_verdicts_is_as_it_was_read() -> None:
    written = verdicts_page.PAGE.read_text(encoding="utf-8")

    assert verdicts_page.page() == written, "read the new page: cd tests && python -m worlds.verdicts_page"


def shown_in_full(snapshot: Snapshot) -> bool:
    return len(snapshot.pods) <= 8
