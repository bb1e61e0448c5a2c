"""What `kubectl top pod` shows: the pods of metrics.k8s.io, in bytes and seconds."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from memcollect.documents.snapshot import Missing
from memcollect.errors import AnswerError, ClusterError, DeniedError, MissingError
from memcollect.kubernetes.objects import ContainerUsage, PodMetrics
from memcollect.kubernetes.usage import Metrics, PodUsage, Usage
from memcollect.sources.api import Api
from memcollect.sources.pages import Listing, Report, items
from memcollect.sources.pods import Selection, pods_path
from memcollect.sources.quantities import QuantityError, nanos, whole
from memcollect.sources.rights import Right

GROUP = "metrics.k8s.io"
ROOT = f"/apis/{GROUP}/v1beta1"

_POD_METRICS = msgspec.json.Decoder(PodMetrics)
NO_API = (
    "This cluster has no metrics API (metrics.k8s.io), so kubectl top has no numbers either: "
    "install metrics-server."
)
API_DOWN = (
    "The metrics API is there but does not answer: see `kubectl get apiservice v1beta1.metrics.k8s.io` "
    "and the logs of metrics-server."
)


def pod_usage(api: Api, selection: Selection, report: Report) -> Metrics:
    """Return the numbers of the selected pods; a pod that has none is not in the answer.

    Without a metrics API the answer is empty and says so in `gaps`: that is a finding, not a failure.
    The field selector is not passed on, for metrics-server knows only a pod's name and namespace, so
    the answer may hold more pods than were selected. Raises UnreachableError, UnauthorizedError.
    """
    pods: dict[tuple[str, str], PodUsage] = {}
    gaps: list[Missing] = []
    for place in selection.places:
        try:
            for found in _found(api, place, selection, report):
                pods[found.metadata.namespace, found.metadata.name] = _usage(found)
        except (MissingError, DeniedError, AnswerError) as error:
            gaps.append(_gap(error, place or "*"))
    return Metrics(pods=pods, gaps=gaps)


def _found(api: Api, place: str | None, selection: Selection, report: Report) -> Iterator[PodMetrics]:
    if selection.by_name is not None:
        for namespace, name in selection.by_name:
            if namespace == place:
                yield from _named(api, namespace, name)
        return
    query = [("labelSelector", selection.selector)] if selection.selector else []
    right = Right("list", "pods", GROUP, place)
    yield from items(api, Listing(pods_path(place, ROOT), right, PodMetrics, query), report)


def _named(api: Api, namespace: str, name: str) -> Iterator[PodMetrics]:
    right = Right("get", "pods", GROUP, namespace, name=name)
    try:
        yield api.get_as(_POD_METRICS, f"{pods_path(namespace, ROOT)}/{name}", right)
    except MissingError as error:
        if not error.is_resource:
            raise


def _usage(found: PodMetrics) -> PodUsage:
    return PodUsage(
        namespace=found.metadata.namespace,
        name=found.metadata.name,
        timestamp=sampled_at(found.timestamp),
        containers=[_container(container) for container in found.containers or []],
    )


def _container(found: ContainerUsage) -> Usage:
    return Usage(
        name=found.name,
        memory_bytes=_number(found.usage.memory, in_billionths=False),
        cpu_nanocores=_number(found.usage.cpu, in_billionths=True),
    )


def _number(text: str | None, *, in_billionths: bool) -> int | None:
    if text is None:
        return None
    try:
        return nanos(text) if in_billionths else whole(text)
    except QuantityError:
        return None


def sampled_at(given: object) -> float | None:
    """Return an RFC 3339 time in seconds since the epoch; None for whatever is none, the zero time too."""
    if not isinstance(given, str):
        return None
    try:
        moment = msgspec.convert(given, datetime)
        seconds = moment.timestamp() if moment.tzinfo is not None else 0
    except (msgspec.ValidationError, OverflowError):
        return None
    return seconds if seconds > 0 else None


def _gap(error: ClusterError, place: str) -> Missing:
    if isinstance(error, DeniedError):
        return Missing(kind="metrics", name=place, reason="denied", detail=str(error))
    if isinstance(error, MissingError):
        return Missing(kind="metrics", name=place, reason="no-metrics-api", detail=NO_API)
    return Missing(
        kind="metrics", name=place, reason="metrics-unavailable", detail=f"{API_DOWN} ({error.sentence})"
    )
