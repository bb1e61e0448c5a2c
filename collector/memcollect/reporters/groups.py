"""What is the same of many things, said once: a large cluster must still fit on a screen. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from memcollect.documents.snapshot import Missing, Pod, Snapshot, Subtotal

NOT_MEASURED = "Not measured"
"""How a verdict begins that tells why."""
SEE_MISSING = "why stands under “Asked for and not measured”"
MOST_NAMES = 5
MOST_NODES = 4
MOST_SUBTOTALS = 20
_ENDPOINT = re.compile(r"\S+/\S+:[0-9]+")
"""NAMESPACE/POD:PORT, as sentences on agents name them."""


def missing_groups(missing: Sequence[Missing]) -> list[tuple[Missing, list[str]]]:
    """Return each different reason once, by its first entry, with the names of all that it holds for.

    What differs only in the node and its agent is one reason: a wrong port is none of every node's own.
    """
    groups: dict[tuple[str, str, str], list[Missing]] = {}
    for each in missing:
        groups.setdefault((each.kind, each.reason, _common(each)), []).append(each)
    return [(_of_all(some), [each.name for each in some]) for some in groups.values()]


def _common(missing: Missing) -> str:
    """Return what its sentence says whatever the node is."""
    sentence = _ENDPOINT.sub("…", missing.detail)
    return sentence.replace(missing.node, "…") if missing.node else sentence


def _of_all(some: Sequence[Missing]) -> Missing:
    """Return the first of those of one reason; of several nodes with their number, of nodes with none.

    What is missing of a node has its name already.
    """
    nodes = {each.node for each in some if each.node}
    processes = sum(each.processes or 0 for each in some) or None
    first = msgspec.structs.replace(some[0], processes=processes)
    more = len(nodes) - 1
    same = "" if all(each.detail == first.detail for each in some) else _likewise(more)
    names_itself = all(each.name == each.node for each in some)
    where = None if names_itself else f"{len(nodes)} nodes" if more > 0 else first.node
    return msgspec.structs.replace(first, node=where, detail=first.detail + same)


def _likewise(more: int) -> str:
    return (
        " It is the same on the other node." if more == 1 else f" It is the same on the other {more} nodes."
    )


def said_once(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot for a page: why many pods were not measured stands in their list, not at each."""
    groups = missing_groups([each for each in snapshot.missing if each.kind == "pod"])
    shared = {name: (first.reason, len(names)) for first, names in groups if len(names) > 1 for name in names}
    pods = [_brief(pod, *shared[pod.full_name]) if pod.full_name in shared else pod for pod in snapshot.pods]
    return msgspec.structs.replace(snapshot, pods=pods)


def _brief(pod: Pod, reason: str, pods: int) -> Pod:
    short = f"{NOT_MEASURED} ({reason}), as {pods - 1} other pod{'' if pods == 2 else 's'}: {SEE_MISSING}"
    whole = f"{NOT_MEASURED}: {pod.unmeasured.rstrip('.')}"
    return msgspec.structs.replace(pod, verdict=pod.verdict.replace(whole, short))


def whose(missing: Missing, names: Sequence[str], show: Callable[[str], str] = str) -> str:
    """Return what a group is about: "pod a", "12 processes of 3 pods: a, b, c"."""
    if missing.processes is None:
        return some_names(names, missing.kind, show)
    of = some_names(list(dict.fromkeys(names)), "pod", show)
    return f"{missing.processes} process{'' if missing.processes == 1 else 'es'} of {of}"


def some_names(names: Sequence[str], kind: str, show: Callable[[str], str] = str) -> str:
    """Return "pod a", or "7 pods: a, b, c, d, e and 2 more"; the document itself has them all.

    `show` is how a format writes a name.
    """
    if len(names) == 1:
        return f"{kind} {show(names[0])}"
    more = len(names) - MOST_NAMES
    listed = ", ".join(map(show, names[:MOST_NAMES]))
    many = f"{kind}es" if kind.endswith("s") else f"{kind}s"
    return f"{len(names)} {many}: {listed}" + (f" and {more} more" if more > 0 else "")


def subtotals(snapshot: Snapshot) -> list[tuple[str, list[Subtotal], int]]:
    """Return (title, largest rows, how many are left out) by namespace and by node, if there are several."""
    found = []
    for title, rows in (("Namespace", snapshot.summary.namespaces), ("Node", snapshot.summary.nodes)):
        if len(rows) > 1:
            largest = sorted(rows, key=lambda row: (-(row.working_set_bytes or -1), row.name))
            found.append((title, largest[:MOST_SUBTOTALS], max(0, len(rows) - MOST_SUBTOTALS)))
    return found
