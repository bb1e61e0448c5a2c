"""Every link of the documents leads somewhere, and the site has every page."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(DOCS.glob("*.md"))]
CODE = re.compile(r"^(```|~~~).*?^\1|`[^`\n]+`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)|^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def links(text: str) -> list[str]:
    """Return where the links of a page lead, but for other sites."""
    found = (inline or reference for inline, reference in LINK.findall(CODE.sub("", text)))
    return [link for link in found if not ELSEWHERE.match(link)]


def anchors(text: str) -> set[str]:
    """Return the names of a page's headings in links: as GitHub and the site make them."""
    # A heading's own code is part of its name; a comment in a block of shell is no heading.
    without_blocks = re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    return {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in HEADING.findall(without_blocks)
    }


def broken(page: Path) -> list[str]:
    """Return the links of a page that lead to no file, or to no heading."""
    wrong = []
    for link in links(page.read_text()):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        if not target.exists() or (anchor and anchor not in anchors(target.read_text())):
            wrong.append(link)
    return wrong


def leaves(part: object) -> Iterator[str]:
    """Return the pages of a navigation, depth first."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, list):
        for each in part:
            yield from leaves(each)
    elif isinstance(part, dict):
        yield from leaves(list(part.values()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_or_a_heading(page: Path) -> None:
    assert broken(page) == []


def test_links_are_found_and_broken_ones_are_told(tmp_path: Path) -> None:
    assert sum(len(links(page.read_text())) for page in PAGES) >= 40
    (tmp_path / "other.md").write_text("# What is `it`?\n\n```sh\n# no heading\n```\n")
    page = tmp_path / "page.md"
    page.write_text(
        "[a](other.md) [b](other.md#what-is-it) [c](https://example.com/x.md) `[d](code.md)`\n"
        "[e](gone.md) [f](other.md#no-heading) [g](#nor-this) ![h](gone.png)\n[i]: gone-too.md\n"
    )
    assert broken(page) == ["gone.md", "other.md#no-heading", "#nor-this", "gone.png", "gone-too.md"]


def test_the_site_has_every_page_once() -> None:
    navigation = list(leaves(yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]))
    assert sorted(navigation) == sorted(page.name for page in DOCS.glob("*.md"))


def test_a_page_of_the_site_links_to_no_file_that_the_site_lacks() -> None:
    missing = {
        page.name: link
        for page in DOCS.glob("*.md")
        for link in links(page.read_text())
        if not (page.parent / (link.partition("#")[0] or page.name)).resolve().is_relative_to(DOCS)
    }
    assert missing == {}
