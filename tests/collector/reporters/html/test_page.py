import re
import time

import msgspec
import pytest

from memcollect.documents.snapshot import Missing, Snapshot, Statement, Subtotal, Summary
from memcollect.explain.statement import Rank
from memcollect.reporters import html, table
from memcollect.reporters.words import Details
from worlds import html_pages
from worlds import sample_snapshots as samples

SIZE = r"\d[\d.]*"
UNITS = {"Ki": "KiB", "Mi": "MiB", "Gi": "GiB"}


def _many(count: int, **more: object) -> Snapshot:
    return samples.snapshot(*[samples.pod(f"p{index}") for index in range(count)], **more)


@pytest.mark.parametrize("details", ["auto", "all", "none"])
@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_pages_are_well_formed_and_accessible(count: int, details: Details) -> None:
    snapshot = _many(count, missing=[samples.missing_pod()])
    snapshot = msgspec.structs.replace(snapshot, pods=snapshot.pods[:count])
    text = html.render(snapshot, details=details)
    page = html_pages.parse(text)
    assert html_pages.faults(page) == []
    assert page.all_of("html") == [{"lang": "en"}]
    assert text.startswith("<!doctype html>\n")


FETCHING = r"https?:|@import|@font-face|url\((?!#)|fetch\(|XMLHttp|innerHTML|eval"


def test_a_page_without_a_table_to_sort_may_neither_run_nor_fetch_anything() -> None:
    text = html.render(samples.snapshot(samples.pod(containers=[])))
    policy = html_pages.parse(text).all_of("meta")[1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in policy["content"]
    assert not re.search(f"{FETCHING}|<script", text)


@pytest.mark.parametrize("pods", [1, 2])
def test_a_page_with_tables_runs_the_one_script_that_sorts_them_and_fetches_nothing(pods: int) -> None:
    text = html.render(_many(pods))
    page = html_pages.parse(text)
    assert len(page.scripts) == 1
    assert html_pages.allowed_scripts(page) == page.scripts
    assert "'unsafe-inline'; script-src" not in text
    assert not re.search(FETCHING, text)


def test_pages_of_nodes_alone_and_of_no_pod_hold_no_script() -> None:
    empty = msgspec.structs.replace(samples.snapshot(), pods=[])
    assert html_pages.parse(html.render(empty)).scripts == []


def test_every_number_of_the_terminal_is_in_the_page() -> None:
    snapshot = samples.snapshot(samples.pod("a"), samples.pod("b"), missing=[samples.missing_pod()])
    shown = " ".join(table.render(snapshot, full=True, details="all", width=140).split())
    page = html_pages.parse(html.render(snapshot)).text
    long = set(re.findall(rf"[−+]?{SIZE}(?:–{SIZE})? (?:B|[KMG]iB|%)", shown))
    assert len(long) > 20
    assert {each for each in long if each not in page} == set()
    short = re.findall(rf"({SIZE})([KMG]i)\b", shown)
    assert short
    for number, unit in short:
        whole = re.escape(number.partition(".")[0])
        assert re.search(rf"\b{whole}(\.\d)? {UNITS[unit]}", page), number + unit


def test_what_is_missing_comes_before_the_pods_and_by_every_name() -> None:
    names = [f"gone-{index}" for index in range(9)]
    missing = [Missing(kind="pod", name=name, reason="no-agent", detail="Deploy it.") for name in names]
    text = html_pages.parse(html.render(_many(2, missing=missing))).text
    assert "Asked for and not measured (9)" in text
    assert all(text.count(name) for name in names)
    assert text.index("Asked for and not measured") < text.index("p0")


def test_many_pods_are_folded_and_each_is_linked_from_the_overview() -> None:
    page = html_pages.parse(html.render(_many(9)))
    assert len(page.all_of("details")) == 9
    links = [each["href"] for each in page.all_of("a")]
    assert links == ["#pod-1", *(f"#pod-{number}" for number in range(1, 10))]
    assert "p0 , the largest: " in page.text


def test_without_details_there_is_the_overview_alone() -> None:
    page = html_pages.parse(html.render(_many(1), details="none"))
    assert page.all_of("a", "details") == []
    assert "Pods" in page.text


def test_of_very_many_pods_the_large_and_the_pressing_alone_have_details(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("memcollect.reporters.html.page.MOST_SECTIONS", 10)
    pressing = Statement(topic="oom", sentence="It was killed.", rank=Rank.DEATHS)
    small = msgspec.structs.replace(samples.composition(), working_set_bytes=1)
    pods = [*_many(12).pods, samples.pod("tiny", composition=small, statements=[pressing])]
    page = html_pages.parse(html.render(samples.snapshot(*pods)))
    assert html_pages.faults(page) == []
    assert len(page.all_of("details")) == 11
    assert {each["href"] for each in page.all_of("a")} == {f"#pod-{number}" for number in range(1, 12)}
    assert "tiny : It was killed." in page.text
    assert "The 2 smaller pods have a row above and no details here" in page.text
    assert "smaller pods" not in html.render(samples.snapshot(*pods), details="all")


def test_what_to_do_stands_before_the_ladder_that_proves_it() -> None:
    text = html_pages.parse(html.render(samples.snapshot())).text
    assert text.index("What is worth knowing") < text.index("From the processes to kubectl top")


def test_pods_stand_in_the_order_of_their_working_sets() -> None:
    small = msgspec.structs.replace(samples.composition(), working_set_bytes=1)
    text = html.render(samples.snapshot(samples.pod("small", composition=small), samples.pod("large")))
    assert re.findall(r"<h2><code>deer-flow/(\w+)", text) == ["large", "small"]


def test_a_pod_without_numbers_still_stands_in_the_page() -> None:
    bare = samples.pod("bare", composition=None, ladder=None, top=None, verdict="Not measured.")
    page = html_pages.parse(html.render(samples.snapshot(samples.pod(), bare)))
    assert html_pages.faults(page) == []
    assert "deer-flow/bare not measured Not measured. ? ? ?" in page.text
    assert page.text.index("Look first at") < page.text.index("Captured") < page.text.index("bare")
    assert "Not measured." in page.text


def test_subtotals_stand_where_there_are_several() -> None:
    rows = [Subtotal(name=name, pods=1, working_set_bytes=samples.MIB) for name in ("n1", "n2")]
    page = html_pages.parse(html.render(samples.snapshot(summary=Summary(nodes=rows)))).text
    assert "By node" in page
    assert "n1 1 0 1.0 MiB ? ?" in page


def test_five_thousand_pods_are_a_page_that_can_still_be_opened() -> None:
    snapshot = _many(5000)
    began = time.process_time()
    text = html.render(snapshot)
    # A few seconds are meant; what is tested must hold on a machine that is busy.
    assert time.process_time() - began < 40
    assert len(text.encode()) < 20_000_000
