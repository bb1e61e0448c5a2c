"""kubectl top's numbers, asked for now and then in a thread of their own: the metrics API may be slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import msgspec

from memcollect.documents.snapshot import Missing
from memcollect.errors import ClusterError
from memcollect.kubernetes.usage import Metrics
from memcollect.sources.api import Api, Patience
from memcollect.sources.kube_config import Cluster
from memcollect.sources.metrics import pod_usage
from memcollect.sources.pods import Selection

EVERY_SECONDS = 15.0
"""metrics-server itself has nothing new more often than that."""


class MetricsErrand:
    """Asks at most every `EVERY_SECONDS`, and never twice at once."""

    def __init__(
        self, cluster: Cluster, patience: Patience, selection: Selection, arrived: Callable[[Metrics], None]
    ) -> None:
        self._cluster = cluster
        self._patience = patience
        self._selection = selection
        self._arrived = arrived
        self._asked: float | None = None
        self._waits = threading.Event()

    def ask(self) -> bool:
        """Ask where it is time to; return whether an answer is to come, or has come to what was asked now."""
        now = time.monotonic()
        due = self._asked is None or now - self._asked >= EVERY_SECONDS
        if due and not self._waits.is_set():
            self._asked = now
            self._waits.set()
            threading.Thread(target=self._run, name="memcollect metrics", daemon=True).start()
            return True
        return self._waits.is_set()

    def _run(self) -> None:
        reported: list[Missing] = []
        try:
            with Api(self._cluster, self._patience) as api:
                metrics = pod_usage(api, self._selection, reported.append)
        except ClusterError as error:
            metrics = Metrics(gaps=[_gap(str(error))])
        except Exception as error:  # noqa: BLE001 # a fault of ours with one source must not end the view
            metrics = Metrics(gaps=[_gap(f"asking failed: {error!r}; please report this")])
        self._waits.clear()
        self._arrived(msgspec.structs.replace(metrics, gaps=[*metrics.gaps, *reported]))


def _gap(detail: str) -> Missing:
    return Missing(kind="metrics", name="*", reason="metrics-unavailable", detail=detail)


def newer(known: Metrics, told: Metrics) -> Metrics:
    """Return what is told; where that is a failure and no number, the known ones stay beside the reason."""
    if told.gaps and not told.pods:
        return msgspec.structs.replace(told, pods=known.pods)
    return told
