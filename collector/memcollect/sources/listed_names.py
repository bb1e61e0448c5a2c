"""The names of what a cluster has, and nothing else of it: for completion, which must be soon."""

import msgspec
from msgspec import Struct

from memcollect.sources.api import Api
from memcollect.sources.names import checked
from memcollect.sources.rights import Right


class _Metadata(Struct, frozen=True):
    name: str = ""
    namespace: str = ""


class _Named(Struct, frozen=True):
    metadata: _Metadata = _Metadata()


class _List(Struct):
    items: list[_Named] = []


_DECODER = msgspec.json.Decoder(_List)


def listed_names(api: Api, kind: str, namespace: str | None, most: int) -> list[tuple[str, str]]:
    """Return (namespace, name) of at most so many of a kind ("pods"), of a namespace or of all.

    Raises a ClusterError, and UsageError for a namespace that can be none.
    """
    place = f"namespaces/{checked('namespace', namespace)}/" if namespace is not None else ""
    right = Right("list", kind, namespace=namespace)
    found = api.get_as(_DECODER, f"/api/v1/{place}{kind}", right, [("limit", str(most))]).items
    return [(each.metadata.namespace, each.metadata.name) for each in found]
