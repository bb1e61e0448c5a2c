import re

import pytest

from memcollect.documents.snapshot import Subtotal, Summary
from memcollect.reporters import html
from memcollect.reporters.escape import visible
from memcollect.reporters.words import Details
from worlds import html_pages
from worlds import sample_snapshots as samples

HARMLESS = "harmless"
HOSTILE = [samples.HOSTILE, "\"'><svg onload=x>", "</style></title>]]>--><!--", "`<`"]


def _page(details: Details) -> str:
    """Return a page in which a stranger chose every text that strangers choose."""
    hostile = samples.HOSTILE
    rows = [Subtotal(name=hostile), Subtotal(name="b")]
    return html.render(
        samples.snapshot(
            samples.hostile_pod(),
            samples.pod(),
            sample=hostile,
            missing=[samples.missing_pod(hostile)],
            notes=[hostile],
            summary=Summary(namespaces=rows, nodes=rows),
        ),
        details=details,
    )


@pytest.mark.parametrize("details", ["all", "none"])
@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_element_and_no_attribute_comes_from_a_name(
    hostile: str, details: Details, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "HOSTILE", HARMLESS)
    expected = html_pages.structure(html_pages.parse(_page(details)))
    monkeypatch.setattr(samples, "HOSTILE", hostile)
    page = html_pages.parse(_page(details))
    assert html_pages.faults(page) == []
    assert html_pages.structure(page) == expected
    assert " ".join(visible(hostile).split()) in page.text


def test_what_is_hidden_or_obeyed_is_made_visible() -> None:
    text = _page("all")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]", text)
    assert r"\x1b[31mred" in text
    assert r"\u202e" in text
