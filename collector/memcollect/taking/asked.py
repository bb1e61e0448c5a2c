"""What is asked of a whole cluster, by those who want the snapshot in one piece."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class ClusterRequest(Struct, frozen=True, kw_only=True):
    """Which pods of which cluster, and how much it may take."""

    names: Sequence[str] | None = None
    """As Selection.names."""
    namespaces: Sequence[str] | None = None
    """None: all."""
    selector: str | None = None
    context: str | None = None
    kubeconfig: str | None = None
    process_limit: int = 0
    mappings: bool = False
    seconds: float = 30.0
    """For each agent."""
