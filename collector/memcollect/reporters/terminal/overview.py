"""Many pods: which to look at first, then one line of numbers each with the verdict below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memcollect.reporters.attention import first_looks, others
from memcollect.reporters.columns import Amount, Row, by_size, overview_row
from memcollect.reporters.escape import visible
from memcollect.reporters.sizes import short_size
from memcollect.reporters.terminal.lines import cut, cut_middle, left, paragraph, right
from memcollect.reporters.words import pod_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memcollect.documents.snapshot import Pod

COLUMN_WIDTH = 8
MIN_NAME_WIDTH = 12
MAX_NAME_WIDTH = 60


def attention_lines(pods: list[Pod], width: int) -> Iterator[Text]:
    """Yield the pods to look at first, each with the one sentence that says why."""
    looks = first_looks(pods)
    if not looks:
        return
    names = row_names(pods)
    yield Text("Look first at", style="bold cyan")
    for look in looks:
        name = names[id(look.pod)] + ("" if look.is_news else ", the largest")
        first = "  ! " if look.is_news else "  · "
        yield from paragraph(f"{name}: {look.sentence}", width, indent="    ", first=first)
    more = others(pods, looks)
    if more:
        yield Text(f"    and {more} more with news of that kind", style="dim")


def overview_lines(pods: list[Pod], left_out: int, width: int) -> Iterator[Text]:
    """Yield a heading and two lines for each pod, the largest first, and how many more there are."""
    with_top = any(pod.top is not None and pod.top.memory_bytes is not None for pod in pods)
    headings = (["TOP"] if with_top else []) + ["WORKSET", "LIMIT", "CACHE", "SHMEM", "KERNEL", "RESID"]
    name_width = max(width - COLUMN_WIDTH * len(headings), MIN_NAME_WIDTH)
    names = row_names(pods)
    longest = max(len(name) for name in [_name_heading(pods), *names.values()])
    name_width = min(name_width, max(longest + 1, MIN_NAME_WIDTH), MAX_NAME_WIDTH)
    heading = left(cut(_name_heading(pods), name_width - 1), name_width) + "".join(
        right(title, COLUMN_WIDTH) for title in headings
    )
    yield Text(heading, style="bold")
    for pod in sorted(pods, key=by_size):
        yield Text(_numbers(pod, names[id(pod)], name_width, with_top=with_top))
        if pod.verdict:
            yield Text("  " + cut(visible(pod.verdict), width - 2), style="dim")
    if left_out:
        yield Text(f"  and {left_out:,} more: --format json lists them all", style="dim")


def row_names(pods: list[Pod]) -> dict[int, str]:
    """Return what each row is called, by the pod's identity: without the namespace where all share it."""
    shared = _shared_namespace(pods) is not None
    return {id(pod): visible(pod.name) if shared else pod_name(pod) for pod in pods}


def _shared_namespace(pods: list[Pod]) -> str | None:
    namespaces = {pod.namespace for pod in pods}
    return namespaces.pop() if len(namespaces) == 1 else None


def _name_heading(pods: list[Pod]) -> str:
    namespace = _shared_namespace(pods)
    return f"POD ({visible(namespace)})" if namespace else "POD"


def _numbers(pod: Pod, name: str, name_width: int, *, with_top: bool) -> str:
    row = overview_row(pod)
    before = [row.top, row.working_set] if with_top else [row.working_set]
    after = [row.cache, row.shmem, row.kernel, row.residual]
    texts = [*map(amount_text, before), _limit(row), *map(amount_text, after)]
    cells = "".join(right(text, COLUMN_WIDTH) for text in texts)
    return left(cut_middle(name, name_width - 1), name_width) + cells


def _limit(row: Row) -> str:
    return "-" if row.limit == "max" else short_size(row.limit)


def amount_text(amount: Amount) -> str:
    """Return the short size; "?" where unknown, and "≥" before what is only a part."""
    shown = short_size(amount.bytes)
    return f"≥{shown}" if amount.partial and amount.bytes is not None else shown
