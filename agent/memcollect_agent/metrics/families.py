"""Readings -> the metric families of prometheus_client. A number that is None makes no series."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

import memcollect_agent
from memcollect_agent.metrics import catalogue
from memcollect_agent.metrics.catalogue import Series, Spec
from memcollect_agent.metrics.ledger import Account, Spent
from memcollect_agent.metrics.parts import grouped
from memcollect_agent.metrics.pss import PssReading
from memcollect_agent.metrics.readings import ContainerReading, LeftOut, NodeReading, PodReading
from memcollect_agent.metrics.whole import WholeNode
from memcollect_agent.wire import SCHEMA_VERSION, History

Rows = Iterable[tuple[tuple[str, ...], float | None]]
"""Label values, in the order of the metric's labels, and the number."""

LEFT_OUT_PODS = ("ceiling", "budget", "unreadable")
LEFT_OUT_CONTAINERS = ("ceiling", "duplicate")


def family(spec: Spec, rows: Rows) -> Metric:
    """Return the metric with those of `rows` that have a number."""
    made = (
        CounterMetricFamily(spec.name, spec.help, labels=spec.labels)
        if spec.kind == "counter"
        else GaugeMetricFamily(spec.name, spec.help, labels=spec.labels)
    )
    made.unit = spec.unit
    for labels, number in rows:
        if number is not None:
            made.add_metric(labels, number)
    return made


def node_families(node: NodeReading, series: Series = "all") -> Iterator[Metric]:
    """Yield what a scrape read, of that set of series: containers, pods, and what was left out."""
    for spec, rows in chain(_of_containers(node, series), _of_pods(node)):
        if spec.within(series):
            yield family(spec, rows)
    yield family(catalogue.NODE_READABLE, [((), node.readable)])
    yield from _whole(node.whole)
    yield from _left_out(node.left_out)


def _of_containers(node: NodeReading, series: Series) -> Iterator[tuple[Spec, Rows]]:
    # A pause container holds below 2 MiB and is in no number of kubectl top: not for a fleet's history.
    roles_left_out = ("pause",) if series == "core" else ()
    containers = [
        (_labels(pod, one), one)
        for pod in node.pods
        for one in pod.containers
        if one.role not in roles_left_out
    ]
    parts = [(labels, one.parts) for labels, one in containers]
    yield catalogue.CONTAINER_CURRENT, ((labels, one.current) for labels, one in parts)
    yield catalogue.CONTAINER_WORKING_SET, ((labels, one.working_set) for labels, one in parts)
    composed = (
        (labels, grouped(one.composition) if series == "core" else one.composition) for labels, one in parts
    )
    composition = (((*labels, term), size) for labels, terms in composed for term, size in terms.items())
    yield catalogue.CONTAINER_COMPOSITION, composition
    yield catalogue.CONTAINER_LIMIT, ((labels, one.limit) for labels, one in containers)
    yield catalogue.CONTAINER_COLD_CACHE, ((labels, one.cold_cache) for labels, one in parts)
    yield catalogue.CONTAINER_LAZYFREE, ((labels, one.lazyfree) for labels, one in parts)
    yield catalogue.CONTAINER_SWAP, ((labels, one.swap) for labels, one in containers)


def _of_pods(node: NodeReading) -> Iterator[tuple[Spec, Rows]]:
    pods = [((pod.uid, pod.qos_class), pod) for pod in node.pods]
    yield catalogue.POD_CURRENT, ((labels, pod.current) for labels, pod in pods)
    yield catalogue.POD_LIMIT, ((labels, pod.limit) for labels, pod in pods)
    yield catalogue.POD_LASTING, ((labels, pod.lasting) for labels, pod in pods)
    yield catalogue.POD_WORKING_SET, ((labels, pod.working_set) for labels, pod in pods)
    yield catalogue.POD_OUTSIDE, ((labels, pod.outside_containers) for labels, pod in pods)
    yield catalogue.POD_DYING, ((labels, pod.dying_cgroups) for labels, pod in pods)
    yield catalogue.POD_OOM_KILLS, ((labels, pod.oom_kills) for labels, pod in pods)


def _whole(whole: WholeNode | None) -> Iterator[Metric]:
    if whole is None:
        return
    yield family(catalogue.NODE_TOTAL, [((), whole.total)])
    yield family(catalogue.NODE_AVAILABLE, [((), whole.available)])
    yield family(catalogue.NODE_WORKING_SET, [((), whole.working_set)])
    yield family(catalogue.NODE_ACTIVE_CACHE, [((), whole.active_cache)])
    yield family(catalogue.NODE_UNCOUNTED, [((), whole.kernel_uncounted)])
    yield family(catalogue.NODE_HELD, [((holder,), size) for holder, size in whole.held.items()])
    yield family(catalogue.NODE_DYING, [((), whole.dying_cgroups)])


def pss_families(node: NodeReading, pss: PssReading | None) -> Iterator[Metric]:
    """Yield the last pass's sums of the containers that are here now."""
    if pss is None:
        return
    found = [
        (_labels(pod, one), pss.containers[one.inode])
        for pod in node.pods
        for one in pod.containers
        if one.inode in pss.containers
    ]
    yield family(catalogue.CONTAINER_PSS, [(labels, sums.pss) for labels, sums in found])
    yield family(catalogue.CONTAINER_RSS, [(labels, sums.rss) for labels, sums in found])
    yield family(catalogue.CONTAINER_UNREAD, [(labels, sums.unread) for labels, sums in found])
    yield family(catalogue.PSS_AT, [((), pss.at)])


def agent_families(account: Account, history: History | None) -> Iterator[Metric]:
    """Yield what the agent did and what that cost."""
    version = (memcollect_agent.__version__, str(SCHEMA_VERSION))
    yield family(catalogue.BUILD_INFO, [(version, 1)])
    spent: Mapping[str, Spent] = account.spent
    yield family(catalogue.TIMES, [((name,), one.times) for name, one in spent.items()])
    yield family(catalogue.FAILED, [((name,), one.failed) for name, one in spent.items()])
    yield family(catalogue.WALL, [((name,), one.wall_seconds) for name, one in spent.items()])
    yield family(catalogue.CPU, [((name,), one.cpu_seconds) for name, one in spent.items()])
    yield family(catalogue.PROBLEMS, sorted(account.problems.items()))
    yield family(catalogue.PROCESSES, [((name,), count) for name, count in sorted(account.processes.items())])
    yield family(catalogue.VANISHED, [((), account.cgroups_vanished)])
    if history is not None:
        yield from _history(history)


def _labels(pod: PodReading, one: ContainerReading) -> tuple[str, str, str, str]:
    return pod.uid, one.id, pod.qos_class, one.role


def _left_out(left: LeftOut) -> Iterator[Metric]:
    # Nothing left out is a true 0, and an alert needs the series to be there before it is not 0.
    yield family(catalogue.LEFT_OUT_PODS, [((reason,), left.pods.get(reason, 0)) for reason in LEFT_OUT_PODS])
    rows = [((reason,), left.containers.get(reason, 0)) for reason in LEFT_OUT_CONTAINERS]
    yield family(catalogue.LEFT_OUT_CONTAINERS, rows)


def _history(history: History) -> Iterator[Metric]:
    yield family(catalogue.HISTORY_TICKS, [((), history.ticks)])
    yield family(catalogue.HISTORY_MISSED, [((), history.missed_ticks)])
    if history.cost is not None:
        yield family(catalogue.HISTORY_SECONDS, [((), history.cost.wall_seconds)])
        yield family(catalogue.HISTORY_CPU, [((), history.cost.cpu_seconds)])
    yield family(catalogue.HISTORY_BYTES, [((), history.ring_bytes)])
    yield family(catalogue.HISTORY_LEFT_OUT, [((), history.left_out)])
