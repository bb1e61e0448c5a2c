"""Which nodes were started anew, by what they say of their boots. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


def rebooted(boots: Iterable[tuple[str, str | None]]) -> list[str]:
    """Return the nodes of which there is more than one boot, of (node, its boot's id or None)."""
    ids: defaultdict[str, set[str]] = defaultdict(set)
    for node, boot_id in boots:
        if boot_id is not None:
            ids[node].add(boot_id)
    return sorted(node for node, known in ids.items() if len(known) > 1)
