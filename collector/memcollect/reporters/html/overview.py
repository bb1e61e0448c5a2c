"""Many pods at once: their bars on one scale, the largest first, and the numbers of each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from memcollect.accounting.reclaim import DROPPABLE
from memcollect.documents.snapshot import Pod, Subtotal
from memcollect.reporters.attention import Attention, first_looks, others
from memcollect.reporters.columns import Amount, limit_text, overview_row
from memcollect.reporters.html.bars import reach, thin_bar
from memcollect.reporters.html.colours import place_of
from memcollect.reporters.html.composition import swatch
from memcollect.reporters.html.limit import limit_cell
from memcollect.reporters.html.markup import NOTHING, Markup, element, items, joined, name_of
from memcollect.reporters.html.shapes import Scale
from memcollect.reporters.html.tables import SORTABLE, Column, scrolling, table
from memcollect.reporters.room import room_of
from memcollect.reporters.sizes import size
from memcollect.reporters.words import pod_name, term_label

COLUMNS = (
    Column("Pod", class_="named"),
    Column("Working set", number=True),
    *(
        Column(title, number=True)
        for title in (
            "Held of limit",
            "Limit",
            "kubectl top",
            "PSS",
            "Page cache",
            "tmpfs, shm",
            "Kernel",
            "Residual",
        )
    ),
)
FILTERED = "pods"
"""The class by which our script finds the table that it filters."""
SUBTOTALS = tuple(
    Column(title, number=True) for title in ("Pods", "Measured", "Working set", "kubectl top", "MemAvailable")
)


def overview(pods: Sequence[Pod], anchors: Mapping[int, str]) -> Markup:
    """Return the pods in their order, each linked to its section where it has one (by the pod's identity)."""
    scale = reach([pod.composition for pod in pods if pod.composition])
    rows = (_row(pod, anchors.get(id(pod)), scale) for pod in pods)
    return element(
        "section",
        element("h2", "Pods"),
        _legend(pods),
        scrolling(
            "Pods", table(COLUMNS, rows, class_=f"{SORTABLE} {FILTERED} overview" if pods else "overview")
        ),
    )


def _row(pod: Pod, anchor: str | None, scale: Scale) -> list[str]:
    row = overview_row(pod)
    amounts = (row.working_set, row.top, row.pss, row.cache, row.shmem, row.kernel, row.residual)
    name = name_of(pod_name(pod))
    linked = element("a", name, href=f"#{anchor}") if anchor else name
    drawn = thin_bar(pod.composition, scale) if pod.composition else element("small", "not measured")
    verdict = element("small", pod.verdict) if pod.verdict else ""
    shown = [_amount(amount) for amount in amounts]
    held = limit_cell(room_of(pod))
    return [joined([linked, drawn, verdict]), shown[0], held, limit_text(row.limit), *shown[1:]]


def looks(pods: Sequence[Pod], anchors: Mapping[int, str]) -> Markup:
    """Return the pods to look at first, each with the one sentence that says why; nothing where none has."""
    found = first_looks(pods)
    if not found:
        return NOTHING
    more = others(pods, found)
    rest = [f"and {more} more with news of that kind"] if more else []
    shown = [_look(each, anchors.get(id(each.pod))) for each in found]
    return element("section", element("h2", "Look first at"), items([*shown, *rest]), class_="looks")


def _look(look: Attention, anchor: str | None) -> Markup:
    name = name_of(pod_name(look.pod))
    linked = element("a", name, href=f"#{anchor}") if anchor else name
    return joined([linked, "" if look.is_news else ", the largest", ": ", look.sentence])


def _amount(amount: Amount) -> str:
    shown = size(amount.bytes)
    return f"≥ {shown}" if amount.partial and amount.bytes is not None else shown


def _legend(pods: Sequence[Pod]) -> Markup:
    """Return the colours of the terms that some pod holds."""
    found: dict[str, bool] = {}
    for pod in pods:
        for term in pod.composition.terms if pod.composition else []:
            if term.low_bytes or term.high_bytes:
                found[term.term] = term.reclaimable in DROPPABLE
    found["residual"] = False
    return items(
        (
            joined([swatch(term, hatched=found[term]), term_label(term)])
            for term in sorted(found, key=place_of)
        ),
        class_="legend",
    )


def subtotals_part(title: str, rows: Sequence[Subtotal], left_out: int) -> Iterator[Markup]:
    """Yield the totals by namespace or by node."""
    yield element("h2", f"By {title.lower()}")
    columns = (Column(title), *SUBTOTALS)
    yield scrolling(title, table(columns, map(_subtotal, rows)))
    if left_out:
        yield element("p", f"and {left_out} more, in the JSON")


def _subtotal(row: Subtotal) -> list[str]:
    sizes = (row.working_set_bytes, row.top_bytes, row.memory_available_bytes)
    return [name_of(row.name), str(row.pods), str(row.pods_measured), *map(size, sizes)]
