"""Reports read as a person reads them: what a page says of one pod, from its text alone.

No document is looked at: what is compared is the verdict's words with the table below them, in each form.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

UNIT_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40, "PiB": 1 << 50}
SIZE = r"(−?\d+(?:\.\d+)?) (B|[KMGTP]iB)"
_ROW = re.compile(rf"^  (?P<label>\S.{{22}}) .*? {SIZE} +(?:<?\d+ %)?(?: *(?:≤≥|~|=))? *(?P<hint>.*)$")
_SHORT_ROW = re.compile(rf"^ +{SIZE}  (?P<label>[^(]+?)(?: \(<?\d+ %, (?P<hint>[^)]*)\))?$")
"""A line of the first screen, which shows the largest terms and takes the others together."""
_TABLE_ROW = re.compile(r'<tr[^>]*><th scope="row">(.*?)</th>(.*?)</tr>', re.DOTALL)


@dataclass(frozen=True)
class Row:
    """A line of the table of what a working set is made of."""

    label: str
    size_bytes: float
    hint: str
    """What the table says that the kernel can do with it."""


@dataclass
class Shown:
    """What a page says of one pod."""

    verdict: str
    working_set_bytes: float
    rows: list[Row] = field(default_factory=list)


def bytes_of(number: str, unit: str) -> float:
    """Return a size as it was written, in bytes."""
    return float(number.replace("−", "-")) * UNIT_BYTES[unit]


def in_markdown(page: str) -> Iterator[Shown]:
    """Yield the pods that a Markdown report shows in full."""
    for section in page.split("\n## `")[1:]:
        verdict = re.search(r"^\*\*(?!kubectl)(.*)\*\*$", section, re.MULTILINE)
        table = re.search(r"^\| Term \|.*?\n\n", section, re.MULTILINE | re.DOTALL)
        if verdict is None or table is None:
            continue
        lines = table[0].strip().splitlines()[2:]
        cells = [[_plain(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
        (whole,) = [cell[1] for cell in cells if cell[0] == "working set"]
        rows = [Row(cell[0], _size(cell[1]), cell[-1]) for cell in cells if cell[0] != "working set"]
        yield Shown(_plain(verdict[1]), _size(whole), rows)


def in_html(page: str) -> Iterator[Shown]:
    """Yield the pods that an HTML report shows in full."""
    for section in page.split('<section class="pod"')[1:]:
        verdict = re.search(r'<p class="verdict">(.*?)</p>', section)
        whole = re.search(rf"<h3>Working set, {SIZE}</h3>", section)
        table = re.search(r'<table class="terms">.*?</table>', section, re.DOTALL)
        if verdict is None or whole is None or table is None:
            continue
        rows = [
            Row(_text(label), _size(_text(cells.split("</td>")[0])), _text(cells.split("</td>")[-2]))
            for label, cells in _TABLE_ROW.findall(table[0])
        ]
        yield Shown(_text(verdict[1]), bytes_of(*whole.groups()), rows)


def in_terminal(page: str) -> Iterator[Shown]:
    """Yield the pod of a page for a terminal that shows one."""
    head, found, rest = page.partition("\nWorking set, ")
    whole = re.match(SIZE, rest)
    if not found or whole is None:
        return
    *_, facts = re.finditer(r"^.*\bnode \S+$", head, re.MULTILINE)
    verdict = " ".join(head[facts.end() :].split("\nkubectl top")[0].split())
    lines = rest.split("\n\n")[0].splitlines()[1:]
    rows = [row for line in lines if (row := _terminal_row(line)) is not None]
    yield Shown(verdict, bytes_of(*whole.groups()), rows)


def _terminal_row(line: str) -> Row | None:
    in_full = _ROW.match(line)
    if in_full is not None:
        return Row(in_full["label"].strip(), bytes_of(in_full[2], in_full[3]), in_full["hint"].strip())
    short = _SHORT_ROW.match(line)
    return None if short is None else Row(short["label"], bytes_of(short[1], short[2]), short["hint"] or "")


def _size(text: str) -> float:
    found = re.search(SIZE, text)
    assert found is not None, text
    return bytes_of(*found.groups())


def _plain(text: str) -> str:
    return html.unescape(re.sub(r"\\(.)", r"\1", text)).strip().strip("*")


def _text(markup: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", " ", markup)).strip()
