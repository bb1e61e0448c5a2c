"""What `kubectl top node` shows: the nodes of metrics.k8s.io, in bytes and seconds."""

from collections.abc import Collection, Iterator

import msgspec
from msgspec import Struct, field

from memcollect.documents.snapshot import Missing
from memcollect.errors import AnswerError, DeniedError, MissingError
from memcollect.kubernetes.objects import NodeMetrics
from memcollect.kubernetes.usage import NodeUsage
from memcollect.sources.api import Api
from memcollect.sources.metrics import API_DOWN, GROUP, NO_API, ROOT, sampled_at
from memcollect.sources.names import checked
from memcollect.sources.pages import Listing, Report, items
from memcollect.sources.quantities import QuantityError, whole
from memcollect.sources.rights import Right

FEW = 20
"""Up to this many are asked for one by one."""
_NODE_METRICS = msgspec.json.Decoder(NodeMetrics)


class NodeMetricsAnswer(Struct, frozen=True):
    """The numbers by node. `gap` says why there is none at all."""

    nodes: dict[str, NodeUsage] = field(default_factory=dict)
    gap: Missing | None = None


def node_usage(api: Api, names: Collection[str], report: Report) -> NodeMetricsAnswer:
    """Return the numbers of these nodes; a node that has none is not in the answer.

    Without the right, or a metrics API, the answer is empty and says so. Raises UnreachableError,
    UnauthorizedError.
    """
    try:
        return NodeMetricsAnswer({each.metadata.name: _usage(each) for each in _found(api, names, report)})
    except (MissingError, DeniedError, AnswerError) as error:
        return NodeMetricsAnswer(gap=_gap(error))


def _found(api: Api, names: Collection[str], report: Report) -> Iterator[NodeMetrics]:
    if len(names) <= FEW:
        for name in names:
            yield from _named(api, name)
        return
    listing = Listing(f"{ROOT}/nodes", Right("list", "nodes", GROUP), NodeMetrics)
    yield from (each for each in items(api, listing, report) if each.metadata.name in names)


def _named(api: Api, name: str) -> Iterator[NodeMetrics]:
    try:
        right = Right("get", "nodes", GROUP, name=name)
        yield api.get_as(_NODE_METRICS, f"{ROOT}/nodes/{checked('node', name)}", right)
    except MissingError as error:
        if not error.is_resource:
            raise


def _usage(found: NodeMetrics) -> NodeUsage:
    try:
        memory = whole(found.usage.memory) if found.usage.memory is not None else None
    except QuantityError:
        memory = None
    return NodeUsage(name=found.metadata.name, timestamp=sampled_at(found.timestamp), memory_bytes=memory)


def _gap(error: MissingError | DeniedError | AnswerError) -> Missing:
    if isinstance(error, DeniedError):
        return Missing(kind="metrics", name="nodes", reason="denied", detail=str(error))
    if isinstance(error, MissingError):
        return Missing(kind="metrics", name="nodes", reason="no-metrics-api", detail=NO_API)
    return Missing(
        kind="metrics", name="nodes", reason="metrics-unavailable", detail=f"{API_DOWN} ({error.sentence})"
    )
