import re

import pytest

from memcollect.compare import Question, compare
from memcollect.reporters.compare.formats import rendered
from memcollect.reporters.escape import visible
from worlds import compare_builders as build
from worlds import html_pages
from worlds import sample_snapshots as samples
from worlds.compare_builders import MIB
from worlds.html_pages import Page

QUESTION = Question(baseline="aio", issue="#3213", version="0.1.0")
NUMBER = r"[−+]?\d[\d.]*(?:–\d[\d.]*)? (?:B|[KMG]iB|s)\b"


def _page(name: str = "cube") -> Page:
    return html_pages.parse(rendered(compare(build.rich_pair(name, name), QUESTION), "html"))


def test_the_page_is_well_formed_and_accessible() -> None:
    assert html_pages.faults(_page()) == []


def test_every_number_and_hash_of_the_other_formats_is_in_the_page() -> None:
    shown = rendered(compare(build.rich_pair(), QUESTION), "markdown")
    found = set(re.findall(NUMBER, shown)) | set(re.findall(r"\b[0-9a-f]{64}\b", shown))
    assert len(found) > 30
    assert {each for each in found if each not in _page().text} == set()


@pytest.mark.parametrize("hostile", [samples.HOSTILE, "\"'><svg onload=x>", "</table></style>", "`<`"])
def test_no_element_and_no_attribute_comes_from_a_name(hostile: str) -> None:
    page = _page(hostile)
    assert html_pages.faults(page) == []
    assert html_pages.structure(page) == html_pages.structure(_page("harmless"))
    assert " ".join(visible(hostile).split()) in page.text


def test_each_repeat_is_a_dot_between_the_smallest_and_the_largest() -> None:
    runs = [build.run("aio", {"empty": [50 * MIB, 75 * MIB, 100 * MIB]})]
    page = html_pages.parse(rendered(compare(runs, QUESTION), "html"))
    assert [each["cx"] for each in page.all_of("circle")] == ["50%", "75%", "100%"]
    line = page.all_of("line")[0]
    assert (line["x1"], line["x2"]) == ("50%", "100%")


def test_less_is_drawn_to_the_left_of_nought_and_more_to_the_right() -> None:
    runs = [
        build.run(name, {"empty": [size * MIB] * 3}) for name, size in (("aio", 80), ("b", 60), ("c", 90))
    ]
    page = html_pages.parse(rendered(compare(runs, QUESTION), "html"))
    drawn = {each["class"]: each for each in page.all_of("rect") if each.get("class") in {"less", "more"}}
    assert (drawn["less"]["x"], drawn["less"]["width"]) == ("0%", "100%")
    assert (drawn["more"]["x"], drawn["more"]["width"]) == ("0%", "100%")
    noughts = [each["x1"] for each in page.all_of("line") if each.get("class") == "nought"]
    assert set(noughts) == {"0%", "100%"}


def test_what_is_missing_is_told_at_the_top_and_linked() -> None:
    page = _page()
    assert page.all_of("a") == [{"href": "#missing"}]
    assert page.text.index("3 missing") < page.text.index("What may be claimed")


def test_a_page_with_nothing_missing_does_not_speak_of_it() -> None:
    page = html_pages.parse(rendered(compare(build.good_pair(), QUESTION), "html"))
    assert page.all_of("a") == []


def test_times_to_ready_are_drawn_with_each_pod_and_the_percentiles() -> None:
    circles = _page().all_of("circle")
    assert [each["class"] for each in circles if each["class"] != "value"] == ["single", "ring", "middle"]
