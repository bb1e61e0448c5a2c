"""Nodes, as the API describes them."""

from collections.abc import Collection, Iterator

import msgspec

from memcollect.documents.snapshot import Missing
from memcollect.errors import MissingError
from memcollect.kubernetes.objects import Node
from memcollect.sources.api import Api
from memcollect.sources.names import checked
from memcollect.sources.pages import Listing, Report, items
from memcollect.sources.rights import Right

FEW = 20
_NODE = msgspec.json.Decoder(Node)


def list_nodes(api: Api, names: Collection[str] | None, report: Report) -> Iterator[Node]:
    """Yield the nodes of these names (None: all); a name without a node is told to `report`.

    A few are asked for one by one: one pod of a cluster of 5,000 nodes needs one. Raises a ClusterError.
    """
    if names is not None and len(names) <= FEW:
        for name in names:
            yield from _named(api, name, report)
        return
    wanted = None if names is None else set(names)
    for node in items(api, Listing("/api/v1/nodes", Right("list", "nodes"), Node), report):
        if wanted is None or node.metadata.name in wanted:
            yield node


def _named(api: Api, name: str, report: Report) -> Iterator[Node]:
    right = Right("get", "nodes", name=name)
    try:
        # Any replica's cached copy will do: the fields that are used hardly change.
        yield api.get_as(_NODE, f"/api/v1/nodes/{checked('node', name)}", right, [("resourceVersion", "0")])
    except MissingError as error:
        report(Missing(kind="node", name=name, node=name, reason="gone", detail=str(error)))
