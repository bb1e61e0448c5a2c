"""Which cluster this is, whatever its contexts are called."""

import msgspec

from memcollect.errors import ClusterError
from memcollect.kubernetes.objects import Namespace
from memcollect.sources.api import Api
from memcollect.sources.plain import plain
from memcollect.sources.rights import Right

EVERYWHERE = "kube-system"
"""The namespace that each cluster has, from its beginning to its end, and nobody makes anew."""
LONGEST = 64
_NAMESPACE = msgspec.json.Decoder(Namespace)


def cluster_uid(api: Api) -> str:
    """Return the UID of its namespace kube-system; "" where that cannot be read. Raises nothing.

    Nothing that is measured needs it, so that somebody may not read it is no fault.
    """
    right = Right("get", "namespaces", name=EVERYWHERE)
    try:
        found = api.get_as(_NAMESPACE, f"/api/v1/namespaces/{EVERYWHERE}", right, [("resourceVersion", "0")])
    except ClusterError:
        return ""
    return plain(found.metadata.uid, LONGEST)
