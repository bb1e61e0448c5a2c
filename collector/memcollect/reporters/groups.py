"""What is the same of many things, said once: a large cluster must still fit on a screen. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from memcollect.documents.snapshot import Missing, Snapshot, Subtotal

MOST_NAMES = 5
MOST_NODES = 4
MOST_SUBTOTALS = 20


def missing_groups(missing: Sequence[Missing]) -> list[tuple[Missing, list[str]]]:
    """Return each different reason once, by its first entry, with the names of all that it holds for."""
    groups: dict[tuple[str, str | None, str, str], tuple[Missing, list[str]]] = {}
    for each in missing:
        key = (each.kind, each.node, each.reason, each.detail)
        groups.setdefault(key, (each, []))[1].append(each.name)
    return list(groups.values())


def some_names(names: Sequence[str], kind: str, show: Callable[[str], str] = str) -> str:
    """Return "pod a", or "7 pods: a, b, c, d, e and 2 more"; the document itself has them all.

    `show` is how a format writes a name.
    """
    if len(names) == 1:
        return f"{kind} {show(names[0])}"
    more = len(names) - MOST_NAMES
    listed = ", ".join(map(show, names[:MOST_NAMES]))
    return f"{len(names)} {kind}s: {listed}" + (f" and {more} more" if more > 0 else "")


def subtotals(snapshot: Snapshot) -> list[tuple[str, list[Subtotal], int]]:
    """Return (title, largest rows, how many are left out) by namespace and by node, if there are several."""
    found = []
    for title, rows in (("Namespace", snapshot.summary.namespaces), ("Node", snapshot.summary.nodes)):
        if len(rows) > 1:
            largest = sorted(rows, key=lambda row: (-(row.working_set_bytes or -1), row.name))
            found.append((title, largest[:MOST_SUBTOTALS], max(0, len(rows) - MOST_SUBTOTALS)))
    return found
