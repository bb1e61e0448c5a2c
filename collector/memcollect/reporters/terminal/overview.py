"""Many pods in one table: one line of numbers each, and the verdict below it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from memcollect.reporters.columns import Amount, by_size, overview_row
from memcollect.reporters.escape import visible
from memcollect.reporters.sizes import short_size
from memcollect.reporters.terminal.lines import cut, cut_middle, left, right
from memcollect.reporters.words import pod_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from memcollect.documents.snapshot import Pod

COLUMN_WIDTH = 8
MIN_NAME_WIDTH = 12
MAX_NAME_WIDTH = 60


def overview_lines(pods: list[Pod], width: int) -> Iterator[Text]:
    """Yield a heading and two lines for each pod, the largest working set first."""
    with_top = any(pod.top is not None and pod.top.memory_bytes is not None for pod in pods)
    headings = (["TOP"] if with_top else []) + ["WORKSET", "PSS", "CACHE", "SHMEM", "KERNEL", "RESID"]
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
    amounts = [row.working_set, row.pss, row.cache, row.shmem, row.kernel, row.residual]
    if with_top:
        amounts.insert(0, row.top)
    cells = "".join(right(amount_text(amount), COLUMN_WIDTH) for amount in amounts)
    return left(cut_middle(name, name_width - 1), name_width) + cells


def amount_text(amount: Amount) -> str:
    """Return the short size; "?" where unknown, and "≥" before what is only a part."""
    shown = short_size(amount.bytes)
    return f"≥{shown}" if amount.partial and amount.bytes is not None else shown
