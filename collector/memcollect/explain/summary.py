"""Totals over the pods of a document, added up pod by pod, so that no list of them is needed. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from memcollect.documents.snapshot import Pod, Subtotal, Summary
from memcollect.join.roles import app_containers, lives_in_guest
from memcollect_agent.wire import Node


@dataclass
class _Total:
    """A sum that stays None until something is added, and how often that was."""

    bytes: int | None = None
    count: int = 0

    def add(self, size_bytes: int | None) -> None:
        if size_bytes is not None:
            self.bytes = (self.bytes or 0) + size_bytes
            self.count += 1

    def include(self, other: _Total) -> None:
        if other.bytes is not None:
            self.bytes = (self.bytes or 0) + other.bytes
            self.count += other.count


@dataclass
class _Group:
    """The totals of the rows of one namespace, one node, or all."""

    pods: int = 0
    working_set: _Total = field(default_factory=_Total)
    top: _Total = field(default_factory=_Total)

    def add(self, pod: Pod) -> None:
        self.pods += 1
        working_set = pod.composition.working_set_bytes if pod.composition else None
        self.working_set.add(0 if working_set is not None and _is_in_another_row(pod) else working_set)
        self.top.add(pod.top.memory_bytes if pod.top else None)

    def include(self, other: _Group) -> None:
        self.pods += other.pods
        self.working_set.include(other.working_set)
        self.top.include(other.top)

    def subtotal(self, name: str, available_bytes: int | None = None) -> Subtotal:
        return Subtotal(
            name=name,
            pods=self.pods,
            pods_measured=self.working_set.count,
            working_set_bytes=self.working_set.bytes,
            top_bytes=self.top.bytes,
            memory_available_bytes=available_bytes,
        )


class Totals:
    """The summary in the making."""

    def __init__(self) -> None:
        self._all = _Group()
        self._by_namespace: dict[str, _Group] = {}
        self._by_node: dict[str, _Group] = {}
        self._terms: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._residual = _Total()
        self._containers = 0
        self._in_guests = 0

    def add(self, pod: Pod) -> None:
        """Add one explained pod."""
        self._all.add(pod)
        if pod.namespace is not None:
            self._by_namespace.setdefault(pod.namespace, _Group()).add(pod)
        if pod.node is not None:
            self._by_node.setdefault(pod.node, _Group()).add(pod)
        self._containers += pod.summary.containers if pod.summary is not None else len(app_containers(pod))
        self._in_guests += lives_in_guest(pod)
        if pod.top is not None and pod.top.status:
            self._statuses[pod.top.status] += 1
        if pod.composition is not None and not _is_in_another_row(pod):
            self._terms.update({term.term: term.estimate_bytes for term in pod.composition.terms})
            self._residual.add(pod.composition.residual.estimate_bytes)

    def include(self, other: Totals) -> None:
        """Add all that was added to other totals."""
        self._all.include(other._all)
        for name, group in other._by_namespace.items():
            self._by_namespace.setdefault(name, _Group()).include(group)
        for name, group in other._by_node.items():
            self._by_node.setdefault(name, _Group()).include(group)
        self._terms.update(other._terms)
        self._statuses.update(other._statuses)
        self._residual.include(other._residual)
        self._containers += other._containers
        self._in_guests += other._in_guests

    def summary(self, nodes: Iterable[Node]) -> Summary:
        """Return the totals of what was added; `nodes` give their own MemAvailable beside theirs."""
        available = {node.name: (node.meminfo or {}).get("MemAvailable") for node in nodes}
        return Summary(
            pods=self._all.pods,
            pods_measured=self._all.working_set.count,
            pods_in_guests=self._in_guests,
            pods_in_top=self._all.top.count,
            containers=self._containers,
            working_set_bytes=self._all.working_set.bytes,
            top_bytes=self._all.top.bytes,
            terms=dict(self._terms),
            residual_bytes=self._residual.bytes,
            statuses=dict(sorted(self._statuses.items())),
            namespaces=[group.subtotal(name) for name, group in sorted(self._by_namespace.items())],
            nodes=[
                group.subtotal(name, available.get(name)) for name, group in sorted(self._by_node.items())
            ],
        )


def _is_in_another_row(pod: Pod) -> bool:
    """Return whether its memory is another row's, too: on one machine, a pod inside a pod."""
    return bool(pod.within) and pod.phase is None


def summarise(pods: Iterable[Pod], nodes: Iterable[Node]) -> Summary:
    """Return totals that equal the sums of the rows, every byte once; over nothing measured they are None."""
    totals = Totals()
    for pod in pods:
        totals.add(pod)
    return totals.summary(nodes)
