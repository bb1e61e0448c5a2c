"""What grew between two snapshots, pod by pod. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from memcollect.compare.grown.words import chief, is_news
from memcollect.compare.growth import Growth, PodChange, TermChange
from memcollect.reporters.compare.grown_contents import by_file, by_mapping, largest_file, services_off
from memcollect.reporters.compare.numbers import metric_label
from memcollect.reporters.paged.layout import Bullet, Bytes, Cell, Column, Section, Table
from memcollect.reporters.sizes import signed_size

MOST_PODS = 10
"""Pods whose changes are taken apart; the table has all that changed."""
MOST_PARTS = 8
NO_STATISTICS = (
    "Two moments of the same pods, and no repeats: each change is exact, and says nothing about what the"
    " next time would bring. To compare backends, name runs of `memcollect profile`, or use --label."
)


def grown(growth: Growth) -> Iterator[Section]:
    """Yield the table of all pods, and what the largest changes are made of."""
    told = [each for each in growth.pods if is_news(each) or each.reason]
    still = len(growth.pods) - len(told)
    left_out = f"{still} pod{'' if still == 1 else 's'} that stayed within 1 MiB or 1 %: not shown."
    yield Section("What grew", [left_out] if still else [], table=_pods(told) if told else None)
    for change in [each for each in growth.pods if is_news(each) and each.terms][:MOST_PODS]:
        yield Section(f"{change.pod}: by term", table=_terms(change))
        if change.services_off:
            yield services_off(change)
        if change.processes:
            yield _processes(change)
        if change.files:
            yield by_file(change)
        if change.mappings:
            yield by_mapping(change)
    alone = [*_alone(growth.only_after, growth.after), *_alone(growth.only_before, growth.before)]
    if alone:
        yield Section("Pods of one snapshot only", bullets=alone)


def how_to_read(growth: Growth) -> Section:
    """Return what these numbers are, and which snapshot is which."""
    order = f"{growth.before} is the earlier snapshot, {growth.after} the later one"
    order += ", though it was named first." if growth.given_reversed else "."
    return Section("How to read this", bullets=[Bullet(order), Bullet(NO_STATISTICS)])


def _pods(pods: Sequence[PodChange]) -> Table:
    columns = [
        Column("Pod", right=False),
        Column("Before"),
        Column("After"),
        Column("Change"),
        Column("Charge"),
        Column("Most of it", right=False),
        Column("of that"),
        Column("Node", right=False, wide=True),
    ]
    return Table(columns, [_pod_row(each) for each in pods])


def _pod_row(change: PodChange) -> list[Cell]:
    most = main_term(change)
    return [
        change.pod + ("" if change.is_same_pod else " (new)"),
        Bytes(change.working_set_before_bytes),
        Bytes(change.working_set_after_bytes),
        Bytes(change.working_set_change_bytes, signed=True),
        Bytes(change.charge_change_bytes, signed=True),
        metric_label(most.term) if most else change.reason,
        Bytes(most.change_bytes, signed=True) if most else "",
        change.node or "",
    ]


def main_term(change: PodChange) -> TermChange | None:
    """Return the term that moved most the way the working set went; None where none is known."""
    way = 1 if (change.working_set_change_bytes or 0) >= 0 else -1
    found = max(change.terms, key=lambda each: way * (each.change_bytes or 0), default=None)
    return found if found is not None and way * (found.change_bytes or 0) > 0 else None


def made_of(growth: Growth) -> str:
    """Return what the change that the headline is about is made of, as a sentence; empty: not known."""
    change = chief(growth)
    most = main_term(change) if change is not None else None
    if change is None or most is None:
        return ""
    said = f"Most of it is {metric_label(most.term)} ({signed_size(most.change_bytes)})"
    process = next((each for each in change.processes if each.change_bytes), None)
    if process is not None:
        said += f"; of its processes {process.name} changed most ({signed_size(process.change_bytes)} of PSS)"
    return f"{said}.{largest_file(change)}"


def _terms(change: PodChange) -> Table:
    columns = [Column("Term", right=False), Column("Before"), Column("After"), Column("Change")]
    rows: list[list[Cell]] = [
        [
            metric_label(each.term),
            Bytes(each.before_bytes),
            Bytes(each.after_bytes),
            Bytes(each.change_bytes, signed=True),
        ]
        for each in change.terms
    ]
    return Table(columns, rows)


def _processes(change: PodChange) -> Section:
    columns = [
        Column("Process", right=False),
        Column("Container", right=False, wide=True),
        Column("Before"),
        Column("After"),
        Column("PSS"),
    ]
    rows: list[list[Cell]] = [
        [
            each.name,
            each.container,
            str(each.count_before),
            str(each.count_after),
            Bytes(each.change_bytes, signed=True),
        ]
        for each in change.processes[:MOST_PARTS]
    ]
    note = (
        []
        if change.processes_whole
        else ["Only the largest processes are listed: one that was too small to be listed before looks new."]
    )
    return Section(f"{change.pod}: by process", note, table=Table(columns, rows))


def _alone(names: Sequence[str], where: str) -> Iterator[Bullet]:
    if names:
        yield Bullet(f"{len(names)} only in {where}:", [", ".join(names)])
