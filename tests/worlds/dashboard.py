"""The dashboard, and what Grafana makes of its queries."""

import json
from typing import Any

from worlds.metrics_stage import DASHBOARD


def dashboard() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return document


def panels() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def targets() -> list[dict[str, Any]]:
    return [target for panel in panels() for target in panel["targets"]]


def asked(expr: str, *, pods: str = ".+", shown: str = "1s") -> str:
    """Return `expr` with the variables as Grafana fills them in: every namespace, and as long as `shown`."""
    values = {"$namespace": ".+", "$pod": pods, "$__rate_interval": "1m", "$__range": shown}
    for name, value in values.items():
        expr = expr.replace(name, value)
    return expr
