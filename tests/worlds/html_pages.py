"""HTML pages taken apart for tests: their elements, their text, and whether every element is closed."""

import base64
import hashlib
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta"}


@dataclass
class Page:
    """What a page is made of."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """Return what is to be read, in one line."""
        return " ".join(" ".join(self.texts).split())

    def all_of(self, *names: str) -> list[dict[str, str]]:
        """Return the attributes of every element of these names."""
        return [attributes for name, attributes in self.elements if name in names]


class _Parser(HTMLParser):
    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if len({name for name, _ in attrs}) < len(attrs):
            self.page.faults.append(f"an attribute twice in <{tag}>")
        self.page.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.page.faults.append(f"</{tag}> closes nothing")

    def handle_data(self, data: str) -> None:
        if self.open[-1:] == ["script"]:
            self.page.scripts.append(data)
        elif self.open[-1:] != ["style"]:
            self.page.texts.append(data)

    def handle_comment(self, data: str) -> None:
        self.page.faults.append(f"a comment: {data}")

    def handle_pi(self, data: str) -> None:
        self.page.faults.append(f"an instruction: {data}")


def parse(text: str) -> Page:
    """Return the page taken apart; what is wrong with its form stands in `faults`."""
    page = Page()
    parser = _Parser(page)
    parser.feed(text)
    parser.close()
    page.faults += [f"<{tag}> is never closed" for tag in parser.open]
    return page


def structure(page: Page) -> list[tuple[str, dict[str, str]]]:
    """Return the elements and their attributes without what is only said aloud."""
    return [
        (name, {key: value for key, value in attributes.items() if key != "aria-label"})
        for name, attributes in page.elements
    ]


def faults(page: Page) -> list[str]:
    """Return what a reader, a browser or somebody who cannot see would stumble over."""
    found = list(page.faults)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    found += ["an id twice"] if len(set(ids)) < len(ids) else []
    levels = [int(name[1]) for name, _ in page.elements if name in {"h1", "h2", "h3", "h4"}]
    found += [f"h{b} after h{a}" for a, b in zip([0, *levels], levels, strict=False) if b > a + 1]
    found += ["not one h1"] if levels.count(1) != 1 else []
    found += ["a script that the page does not allow"] if page.scripts != allowed_scripts(page) else []
    for name, attributes in page.elements:
        found += _faults_of(name, attributes, ids)
    return found


def allowed_scripts(page: Page) -> list[str]:
    """Return the scripts that the page's policy lets run, by their hashes; all others it forbids."""
    policies = [meta["content"] for meta in page.all_of("meta") if "http-equiv" in meta]
    digests = [base64.b64encode(hashlib.sha256(each.encode()).digest()).decode() for each in page.scripts]
    return [
        script
        for script, digest in zip(page.scripts, digests, strict=True)
        if all(
            "default-src 'none'" in each and f"; script-src 'sha256-{digest}'" in each for each in policies
        )
    ]


def _faults_of(name: str, attributes: dict[str, str], ids: list[str]) -> list[str]:
    found = [f"{key} in <{name}>" for key in attributes if key.startswith("on") or key in {"style", "src"}]
    if "href" in attributes and attributes["href"][1:] not in ids:
        found.append(f"a link to {attributes['href']}")
    if name == "th" and attributes.get("scope") not in {"col", "row"}:
        found.append("a heading of no scope")
    if name == "svg" and not (attributes.get("aria-label") or attributes.get("aria-hidden")):
        found.append("a picture without words")
    if name in {"iframe", "object", "embed", "link", "base", "form", "img"}:
        found.append(f"<{name}>")
    return found
