"""The STATUS, READY and RESTARTS of a pod, told from its container statuses as kubectl users see them."""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from memcollect.testing import duration

_TERMINAL = ("Succeeded", "Failed")


@dataclasses.dataclass(slots=True)
class Summary:
    """What a row says of a pod; `last_restart` is when the latest container run ended (RFC 3339)."""

    reason: str
    ready: int = 0
    total: int = 0
    restarts: int = 0
    last_restart: str = ""

    def restarts_cell(self, now: dt.datetime) -> str:
        """Return the count and, where it is known, how long ago the last was."""
        if not self.restarts or not self.last_restart:
            return str(self.restarts)
        return f"{self.restarts} ({duration.age(self.last_restart, now)} ago)"


def summarize(pod: Mapping[str, Any]) -> Summary:
    """Return the summary of a pod object."""
    spec, status = pod.get("spec") or {}, pod.get("status") or {}
    sidecars = {c["name"] for c in spec.get("initContainers", ()) if c.get("restartPolicy") == "Always"}
    summary = Summary(
        reason=status.get("reason") or status.get("phase") or "",
        total=len(spec.get("containers", ())) + len(sidecars),
    )
    initializing = _init_containers(summary, spec, status, sidecars)
    if not initializing or _condition(status, "Initialized"):
        _containers(summary, status, sidecars)
    if pod.get("metadata", {}).get("deletionTimestamp"):
        if status.get("reason") == "NodeLost":
            summary.reason = "Unknown"
        elif status.get("phase") not in _TERMINAL:
            summary.reason = "Terminating"
    return summary


def _init_containers(
    summary: Summary, spec: Mapping[str, Any], status: Mapping[str, Any], sidecars: set[str]
) -> bool:
    """Count what stands before the main containers; True while one of them is still at work."""
    for index, container in enumerate(status.get("initContainerStatuses", ())):
        _count_restarts(summary, [container])
        state = container.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended is not None and not ended.get("exitCode"):
            continue
        if container["name"] in sidecars and container.get("started"):
            summary.ready += bool(container.get("ready"))
            continue
        if ended is not None:
            summary.reason = f"Init:{_ended(ended)}"
        elif waiting.get("reason") and waiting["reason"] != "PodInitializing":
            summary.reason = f"Init:{waiting['reason']}"
        else:
            summary.reason = f"Init:{index}/{len(spec.get('initContainers', ()))}"
        return True
    return False


def _containers(summary: Summary, status: Mapping[str, Any], sidecars: set[str]) -> None:
    # From here the restarts of finished init containers no longer count, those of sidecars still do.
    summary.restarts, summary.last_restart = 0, ""
    _count_restarts(summary, (c for c in status.get("initContainerStatuses", ()) if c["name"] in sidecars))
    running = False
    statuses = status.get("containerStatuses", ())
    _count_restarts(summary, statuses)
    for container in reversed(statuses):
        state = container.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            summary.reason = waiting["reason"]
        elif ended is not None:
            summary.reason = _ended(ended)
        elif container.get("ready") and "running" in state:
            running = True
            summary.ready += 1
    if summary.reason == "Completed" and running:
        summary.reason = "Running" if _condition(status, "Ready") else "NotReady"


def _count_restarts(summary: Summary, statuses: Iterable[Mapping[str, Any]]) -> None:
    for container in statuses:
        summary.restarts += container.get("restartCount", 0)
        ended = (container.get("lastState") or {}).get("terminated") or {}
        # RFC 3339 in UTC and whole seconds, as the API writes it, sorts as text.
        summary.last_restart = max(summary.last_restart, ended.get("finishedAt") or "")


def _ended(ended: Mapping[str, Any]) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    if ended.get("signal"):
        return f"Signal:{ended['signal']}"
    return f"ExitCode:{ended.get('exitCode', 0)}"


def _condition(status: Mapping[str, Any], kind: str) -> bool:
    return any(c["type"] == kind and c["status"] == "True" for c in status.get("conditions", ()))
