"""What other programs may call: four functions, and the structs that they give (docs/api.md).

    >>> from memcollect import api
    >>> snapshot = api.load("snapshot.json")
    >>> [(pod.full_name, pod.composition.working_set_bytes) for pod in snapshot.pods if pod.composition]
    [('team/prom-0', 3133145088)]

Names, parameters and types here are held from release to release (docs/json.md says how); everything else in
the package may change. Whatever a user can cause is raised as a CollectorError, with a sentence and a remedy.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import msgspec

from memcollect.compare import Document, Question
from memcollect.compare import compare as compare_documents
from memcollect.compare.model import Comparison
from memcollect.documents.files import read_snapshot
from memcollect.documents.moment import now_text
from memcollect.documents.snapshot import Scope, Snapshot
from memcollect.errors import CollectorError, DocumentError, UsageError
from memcollect.explain import explain as explain_snapshot
from memcollect.join import Capture, local_snapshot
from memcollect.join.contained import IMPOSSIBLE
from memcollect.recording.archive import is_recording
from memcollect.recording.replay import replayed
from memcollect.services import default_table, with_services
from memcollect.taking.asked import ClusterRequest
from memcollect.taking.local import LocalRequest, measure
from memcollect_agent import __version__

__all__ = [
    "Cluster",
    "CollectorError",
    "Comparison",
    "Machine",
    "Snapshot",
    "compare",
    "explain",
    "load",
    "take",
]

Path = str | os.PathLike[str]


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What is measured: this machine, or one that was recorded, without Kubernetes' API."""

    root: Path = "/"
    """Its root directory, or a recording of it that `memcollect record` made."""
    patterns: Sequence[str] = ()
    """Shell patterns of names, or beginnings of ids; empty: pods, or where there are none what else runs."""
    processes: int = 0
    """How many processes of each container to list, the largest first."""
    mappings: bool = False
    """Whether the private memory of these is told by what it is mapped for."""
    seconds: float = 30.0
    """How long it may take; what that does not suffice for is in `missing`."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """What is measured: pods of a cluster, by the agents on their nodes, and beside them kubectl top."""

    pods: Sequence[str] = ()
    """NAME, in each of the namespaces, or NAMESPACE/NAME; empty: all that the rest chooses."""
    namespaces: Sequence[str] | None = None
    """None: all."""
    selector: str | None = None
    """A label selector, in kubectl's syntax."""
    context: str | None = None
    """Of the kubeconfig; None: its current one."""
    kubeconfig: Path | None = None
    """None: as kubectl finds it."""
    processes: int = 0
    """As of Machine."""
    mappings: bool = False
    """As of Machine."""
    seconds: float = 30.0
    """How long each agent may take; whose pods that does not suffice for are in `missing`."""


def take(machine: Machine | Cluster | None = None, *, sample: str = "unspecified") -> Snapshot:
    """Measure a machine, this one unless another is given, or a cluster; return the explained snapshot.

    `sample` is a name for this moment. Raises UnsupportedError where a machine has no cgroup v2 memory
    controller or nothing to measure, DocumentError where its root is a recording that cannot be read, and
    ClusterError where a cluster cannot be asked at all; what of it could not be measured is in `missing`.

        >>> snapshot = take(Machine(root="recording.tar.gz"), sample="from the field")
        >>> snapshot.sample, len(snapshot.pods), snapshot.missing
        ('from the field', 5, [])
    """
    if isinstance(machine, Cluster):
        # The official client takes a second to load, which a machine need not wait for.
        from memcollect.taking.whole import whole_cluster  # noqa: PLC0415

        return whole_cluster(_cluster_request(machine), sample)
    machine = machine or Machine()
    root = os.fspath(machine.root)
    captured_at = now_text()
    with replayed(root) if root != "/" and is_recording(root) else nullcontext(root) as place:
        measured = measure(_request(machine, place.rstrip("/")))
    capture = Capture(
        label=sample,
        captured_at=captured_at,
        finished_at=now_text(),
        version=__version__,
        scope=Scope(
            patterns=list(machine.patterns) or None,
            processes=machine.processes > 0,
            mappings=machine.mappings,
        ),
        notes=measured.notes,
    )
    raw = local_snapshot(measured.sample, measured.names, capture)
    return explain(_with_services(raw))


def load(path: Path) -> Snapshot:
    """Return a saved snapshot, as it was written.

    Raises DocumentError where the file is none, and SchemaError where it is of another version.

        >>> load("compare.json")
        Traceback (most recent call last):
        memcollect.errors.DocumentError: compare.json is not a memcollect snapshot: it has no schema_version.
    """
    return read_snapshot(os.fspath(path))


def explain(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with everything derived made anew by this version, from its counters alone.

    Raises DocumentError where its numbers contradict each other.

        >>> explain(load("snapshot.json")).pods[0].verdict.partition(" the ")[0]
        '2002 MiB of 2988 MiB is page cache'
    """
    try:
        return explain_snapshot(snapshot)
    except IMPOSSIBLE as error:
        raise DocumentError(f"The snapshot has numbers that contradict each other: {error}.") from error


def compare(snapshots: Iterable[tuple[str, Snapshot]], *, baseline: str | None = None) -> Comparison:
    """Hold snapshots against one another; each comes with the name of its backend, several may have one.

    The others are held against `baseline`, the first by itself. Raises UsageError where there are fewer than
    two, or no backend is called so.

        >>> one = load("snapshot.json")
        >>> comparison = compare([("aio", one), ("cube", take(Machine(root="recording.tar.gz")))])
        >>> comparison.baseline, comparison.backends, [pair.allowed for pair in comparison.pairs]
        ('aio', ['aio', 'cube'], [False])
    """
    named = list(snapshots)
    if len(named) < 2:
        raise UsageError("One snapshot alone cannot be compared.", "Give two or more.")
    documents = [_document(number, backend, explain(each)) for number, (backend, each) in enumerate(named, 1)]
    if baseline is not None and baseline not in {backend for backend, _ in named}:
        raise UsageError(f"No backend is called {baseline}.")
    return compare_documents(documents, Question(by="label", baseline=baseline, version=__version__))


def _document(number: int, backend: str, snapshot: Snapshot) -> Document:
    name = f"{number}. {backend}"
    digest = hashlib.sha256(msgspec.json.encode(snapshot)).hexdigest()
    return Document(name=name, label=backend, sha256=digest, snapshots={name: snapshot})


def _request(machine: Machine, root: str) -> LocalRequest:
    return LocalRequest(
        patterns=tuple(machine.patterns),
        process_limit=machine.processes,
        mappings=machine.mappings,
        time_budget_seconds=machine.seconds,
        cgroup_root=f"{root}/sys/fs/cgroup",
        proc_root=f"{root}/proc",
        sys_root=f"{root}/sys",
        log_root=f"{root}/var/log",
        host_root=f"{root}/",
    )


def _cluster_request(cluster: Cluster) -> ClusterRequest:
    return ClusterRequest(
        names=list(cluster.pods) or None,
        namespaces=None if cluster.namespaces is None else list(cluster.namespaces),
        selector=cluster.selector,
        context=cluster.context,
        kubeconfig=None if cluster.kubeconfig is None else os.fspath(cluster.kubeconfig),
        process_limit=cluster.processes,
        mappings=cluster.mappings,
        seconds=cluster.seconds,
    )


def _with_services(snapshot: Snapshot) -> Snapshot:
    pods = [with_services(pod, default_table()) for pod in snapshot.pods]
    return msgspec.structs.replace(snapshot, pods=pods)
