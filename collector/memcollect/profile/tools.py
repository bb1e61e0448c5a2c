"""What a worker asks with, and many workers at once: each thread has tools of its own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from memcollect.sources.api import Api, Patience
from memcollect.sources.cluster_uid import cluster_uid
from memcollect.sources.exec import Executor
from memcollect.sources.handshake import Abandoned
from memcollect.sources.kube_config import Cluster
from memcollect.sources.portforward import PortForwardTransport
from memcollect.sources.transport import Transport

T = TypeVar("T")
R = TypeVar("R")
Reached: TypeAlias = Cluster | Callable[[], Cluster]
"""A cluster, or what finds it when it is first needed: sandboxes that are no pods need none."""


def reached(cluster: Reached) -> Cluster:
    """Return the cluster. Raises KubeConfigError where none can be told."""
    return cluster() if callable(cluster) else cluster


class Tools:
    """One thread's connections, made when they are first used."""

    def __init__(self, cluster: Reached, patience: Patience, abandoned: Abandoned) -> None:
        self._cluster = cluster
        self._patience = patience
        self._abandoned = abandoned
        self._api: Api | None = None
        self._cluster_uid: str | None = None
        self._executor: Executor | None = None
        self._transport: Transport | None = None

    @property
    def api(self) -> Api:
        """The API server."""
        if self._api is None:
            self._api = Api(reached(self._cluster), self._patience)
        return self._api

    @property
    def cluster_uid(self) -> str:
        """Which cluster it is, asked once: as memcollect.sources.cluster_uid."""
        if self._cluster_uid is None:
            self._cluster_uid = cluster_uid(self.api)
        return self._cluster_uid

    @property
    def executor(self) -> Executor:
        """Commands in containers."""
        if self._executor is None:
            self._executor = Executor(reached(self._cluster), self._abandoned)
        return self._executor

    @property
    def transport(self) -> Transport:
        """Ports of pods."""
        if self._transport is None:
            self._transport = PortForwardTransport(reached(self._cluster), self._abandoned)
        return self._transport

    def close(self) -> None:
        """Close whatever was opened."""
        for each in (self._api, self._executor, self._transport):
            if each is not None:
                each.close()
        self._api = self._executor = self._transport = None


class Workshop:
    """Makes tools, and lets many be used at once."""

    def __init__(self, cluster: Reached, patience: Patience, most_at_once: int) -> None:
        self._cluster = cluster
        self._patience = patience
        self._most = max(1, most_at_once)
        self._abandoned = Abandoned()

    @property
    def cluster(self) -> Cluster:
        """The cluster. Raises KubeConfigError where none can be told."""
        return reached(self._cluster)

    def tools(self) -> Tools:
        """Return tools for this thread; whoever asks closes them."""
        return Tools(self._cluster, self._patience, self._abandoned)

    def begin(self, function: Callable[[Tools, T], R], items: Sequence[T]) -> Work[T, R]:
        """Begin `function` for every item, in threads, and return at once."""
        return Work(self, function, items, min(self._most, len(items)))


class Work(Generic[T, R]):
    """Something done for many items; `results` and `errors` are by the item's place in the list."""

    def __init__(
        self, workshop: Workshop, function: Callable[[Tools, T], R], items: Sequence[T], workers: int
    ) -> None:
        self.results: dict[int, R] = {}
        self.errors: dict[int, Exception] = {}
        self._function = function
        self._todo: queue.SimpleQueue[tuple[int, T]] = queue.SimpleQueue()
        for numbered in enumerate(items):
            self._todo.put(numbered)
        self._left = len(items)
        self._lock = threading.Lock()
        self._ended = threading.Event()
        if not items:
            self._ended.set()
        for number in range(workers):
            thread = threading.Thread(
                target=self._serve, args=(workshop,), name=f"memcollect profile worker {number}", daemon=True
            )
            thread.start()

    @property
    def ended(self) -> bool:
        """Whether every item has a result or an error."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> bool:
        """Wait at most so long; return whether it has ended."""
        return self._ended.wait(seconds)

    def _serve(self, workshop: Workshop) -> None:
        tools = workshop.tools()
        try:
            while True:
                number, item = self._todo.get_nowait()
                self._do(tools, number, item)
        except queue.Empty:
            return
        finally:
            tools.close()

    def _do(self, tools: Tools, number: int, item: Any) -> None:
        try:
            self.results[number] = self._function(tools, item)
        except Exception as error:  # noqa: BLE001 # one item's fault is that item's result
            self.errors[number] = error
        with self._lock:
            self._left -= 1
            if not self._left:
                self._ended.set()
