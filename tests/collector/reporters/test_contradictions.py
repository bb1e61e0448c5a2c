"""No sentence of a page contradicts a number on it: the verdict is held against the table below it."""

import re
from collections.abc import Callable, Iterator

import msgspec
import pytest

from memcollect.documents.snapshot import Snapshot
from memcollect.explain import explain
from memcollect.reporters import html, markdown, table
from worlds.builders import MIB, QUIET_SUMS, cgroup, container, pod, snapshot
from worlds.golden_pages import PLACE
from worlds.read_reports import SIZE, UNIT_BYTES, Row, Shown, bytes_of, in_html, in_markdown, in_terminal

Read = Callable[[str], Iterator[Shown]]
GOLDEN: dict[str, Read] = {
    "explain-one-pod.txt": in_terminal,
    "explain-one-pod.md": in_markdown,
    "explain-one-pod.html": in_html,
}
GOES = frozenset({"droppable", "if unused", "under pressure"})
WRITTEN = frozenset({"once written"})
SWAPS = frozenset({"only to swap"})
STAYS = frozenset({"stays", "stays, locked", "stays, no swap", "stays, may not swap", "stays, swap is full"})
FATES: dict[str, frozenset[str]] = {
    "can drop|droppable if unused|takes back|drops first|already given back": GOES,
    "must be written out": WRITTEN,
    "which stays?|which stay": STAYS,
    "only swap could take": SWAPS,
    "^is private memory|swap cache": SWAPS | STAYS,
}
"""What a clause says becomes of its bytes, and the hints of the rows that may stand behind it."""
_CLAUSE = re.compile(
    rf"(?:^|[.;] )(?:All of its |Nearly all of its )?{SIZE}(?: of {SIZE})?(?: more)? (is [^.;]*)"
)
ABOUT_A_GUEST = "sandbox is its guest's memory"
"""A verdict on a sandbox takes another number apart: what is charged for it, wherever."""
LEAST_SHARE = 0.05
ROUNDING = 0.006
"""Both are written with three digits and a bit."""


def contradictions(shown: Shown) -> list[str]:
    """Return what the verdict says that the table does not."""
    said: dict[frozenset[str], float] = {}
    faults = []
    for number, unit, whole, whole_unit, words in _CLAUSE.findall(shown.verdict):
        amount = bytes_of(number, unit)
        if whole and not _near(bytes_of(whole, whole_unit), shown.working_set_bytes):
            faults.append(
                f"the verdict takes {whole} {whole_unit} apart, the table {shown.working_set_bytes}"
            )
        for pattern, hints in FATES.items():
            if re.search(pattern, words):
                said[hints] = said.get(hints, 0) + amount
                rows = [row for row in shown.rows if row.hint in hints]
                rest = sum(row.size_bytes for row in shown.rows if row.label == "everything else")
                if not _can_stand_behind(rows, amount, rest + 0.06 * UNIT_BYTES[unit]):
                    faults.append(f"no rows of {sorted(hints)} come to {number} {unit}: {words}")
    if not shown.working_set_bytes or ABOUT_A_GUEST in shown.verdict:
        return faults
    for hints in (GOES, WRITTEN, SWAPS, STAYS):
        told = sum(amount for each, amount in said.items() if each & hints)
        large = sum(
            row.size_bytes for row in _inside(shown.rows) if row.hint in hints and _is_large(row, shown)
        )
        if told < large * (1 - ROUNDING):
            faults.append(f"of {sorted(hints)} the table has {large}, and the verdict {told}")
    return faults


def _inside(rows: list[Row]) -> list[Row]:
    return [row for row in rows if not row.label.startswith("+") and row.label != "residual"]


def _is_large(row: Row, shown: Shown) -> bool:
    return row.size_bytes > LEAST_SHARE * shown.working_set_bytes


def _near(one: float, other: float, digit: float = 0) -> bool:
    return abs(one - other) <= max(ROUNDING * max(abs(one), abs(other)), digit)


def _can_stand_behind(rows: list[Row], amount: float, untold: float) -> bool:
    """Return whether some of the rows add up to the amount: but for its last digit, and what has no row."""
    sums = {0.0}
    for row in rows:
        sums |= {each + row.size_bytes for each in sums}
    return any(_near(each, amount, untold) for each in sums)


@pytest.mark.parametrize("name", GOLDEN)
def test_no_golden_page_contradicts_itself(name: str) -> None:
    shown = list(GOLDEN[name]((PLACE / name).read_text(encoding="utf-8")))

    assert len(shown) == 1
    assert len(shown[0].rows) >= 4
    assert contradictions(shown[0]) == []


def everything() -> Snapshot:
    """Return a pod with some of every fate: locked, not written, rests of huge pages, names, lazily freed."""
    stat = {
        "anon": 184 * MIB,  # 100 that swap could take, 64 locked, 20 given back
        "inactive_anon": 180 * MIB,  # with 30 of tmpfs and 50 of huge pages' rests
        "unevictable": 64 * MIB,
        "file": 230 * MIB,  # 30 of tmpfs, 90 active, 110 inactive, of which 70 are not written
        "shmem": 30 * MIB,
        "active_file": 90 * MIB,
        "inactive_file": 130 * MIB,
        "file_dirty": 70 * MIB,
        "file_writeback": 0,
        "slab_reclaimable": 40 * MIB,
        "kernel": 50 * MIB,
    }
    sums = msgspec.structs.replace(
        QUIET_SUMS, pss_anon_bytes=184 * MIB, lazyfree_bytes=20 * MIB, locked_bytes=64 * MIB
    )
    return explain(snapshot(pod(container(cgroup=cgroup(519 * MIB, stat), sums=sums))))


@pytest.mark.parametrize(
    ("read", "page"),
    [
        (in_markdown, markdown.render(everything())),
        (in_html, html.render(everything())),
        (in_terminal, table.render(everything(), width=80, full=True)),
    ],
    ids=["markdown", "html", "terminal"],
)
def test_a_page_with_memory_of_every_fate_does_not_contradict_itself(read: Read, page: str) -> None:
    (shown,) = read(page)

    assert {row.hint for row in shown.rows} > WRITTEN | {"stays, locked", "under pressure"}
    assert contradictions(shown) == []


@pytest.mark.parametrize(
    ("verdict", "fault"),
    [
        ("60 MiB of 100 MiB is page cache the kernel can drop.", "no rows of"),
        ("60 MiB of 90 MiB is private memory of its processes.", "takes 90 MiB apart"),
        ("60 MiB of 100 MiB is private memory of its processes.", "the verdict 0"),
        ("All of its 100 MiB is private memory of python3 (PID 7).", "no rows of"),
    ],
)
def test_a_contradiction_is_found(verdict: str, fault: str) -> None:
    rows = [
        Row("anonymous memory", 60 * MIB, "stays, no swap"),
        Row("hot page cache", 40 * MIB, "under pressure"),
    ]

    assert any(fault in each for each in contradictions(Shown(verdict, 100 * MIB, rows)))
