from collections.abc import Iterator

import msgspec

from memcollect.compare import Document, Question, compare
from memcollect.reporters.compare.numbers import metric_label
from memcollect.reporters.compare.page import page
from memcollect.reporters.paged.layout import Bytes, Cell, Page, Section
from worlds import compare_builders as build
from worlds.compare_builders import MIB


def _page(*documents: Document) -> Page:
    return page(compare(documents, Question(baseline="aio", issue="#3213")))


def _section(shown: Page, title: str) -> Section:
    return next(each for each in shown.sections if each.title == title)


def _column(section: Section, number: int) -> list[Cell]:
    assert section.table is not None
    return [row[number] for row in section.table.rows]


def _texts(shown: Page) -> Iterator[str]:
    for section in shown.sections:
        yield from section.paragraphs
        yield from (bullet.text for bullet in section.bullets)


def test_the_verdict_comes_before_the_claims_and_the_claims_before_the_numbers() -> None:
    shown = _page(*build.good_pair())
    assert [each.title for each in shown.sections][:3] == [
        "What may be claimed",
        "What may not be claimed, and why",
        "Working set per pod",
    ]


def test_pairs_that_fail_for_the_same_reasons_stand_together() -> None:
    documents = [
        build.run(name, {"empty": [size] * 2, "after-bash": [size] * 2})
        for name, size in (("aio", 9 * MIB), ("cube", 5 * MIB))
    ]
    bullets = _section(_page(*documents), "What may not be claimed, and why").bullets
    assert bullets[0].text == "cube against aio: empty, after-bash"
    assert bullets[0].below == ["too few repeats: 2 and 2, at least 3 of each are needed"]


def test_the_largest_change_comes_first_and_terms_that_hold_nothing_are_left_out() -> None:
    documents = [
        build.run("aio", {"empty": [100 * MIB] * 3}, of_pod={"cache": 5 * MIB}),
        build.run("cube", {"empty": [90 * MIB] * 3}, of_pod={"shmem": 60 * MIB}),
    ]
    section = _section(_page(*documents), "empty: cube against aio")
    assert _column(section, 0) == [
        "working set",
        "kubectl top",
        "whole pod cgroup",
        "charged, with cache",
        "PSS of processes",
        "tmpfs and shm",
        "anonymous memory",
        "hot page cache",
    ]


def test_a_single_backend_shows_its_phases_term_by_term_and_what_grew_most() -> None:
    shown = _page(build.good_pair()[0])
    assert _column(_section(shown, "after-python against empty"), 0)[0] == "working set"
    growth = _section(shown, "aio: working set per pod, against empty")
    assert _column(growth, 4) == ["anonymous memory"]
    assert _column(growth, 5) == [Bytes(201 * MIB, signed=True)]


def test_every_document_is_pinned_by_its_hash() -> None:
    documents = build.good_pair()
    below = [text for each in _section(_page(*documents), "Documents").bullets for text in each.below]
    assert all(f"SHA-256 {document.sha256}" in below for document in documents)
    assert any(build.PLAN in text for text in below)


def test_every_document_is_told_with_when_its_snapshots_were_taken() -> None:
    run, single = build.good_pair()[0], build.document(build.snapshot(build.pod(MIB)), "a.json")
    bullets = _section(_page(run, single), "Documents").bullets
    assert {each.text.partition(":")[0]: each.below[1] for each in bullets} == {
        "runs/aio": "taken 2026-01-01T00:01:00Z to 2026-01-01T00:03:00Z",
        "a.json": "taken 2026-01-01T00:00:00Z",
    }


def test_a_label_is_listed_with_what_the_run_calls_itself() -> None:
    aio, cube = build.good_pair()
    shown = _page(aio, msgspec.structs.replace(cube, label="boxlite"))
    assert [each.text for each in _section(shown, "Documents").bullets] == [
        "runs/aio: run of aio",
        "runs/cube: run of boxlite; the run itself says cube",
    ]


def test_what_memory_does_not_show_is_said_on_every_page() -> None:
    assert any("isolation" in text for text in _texts(_page(*build.good_pair())))


def test_a_metric_of_no_known_name_is_called_by_its_own() -> None:
    assert metric_label("new_term") == "new term"
