"""Whether an API server answers, and of which version it is."""

import msgspec

from memcollect.kubernetes.objects import ServerVersion
from memcollect.sources.api import Api
from memcollect.sources.rights import Right

_VERSION = msgspec.json.Decoder(ServerVersion)


def server_version(api: Api) -> ServerVersion:
    """Return what /version says. Raises a ClusterError."""
    return api.get_as(_VERSION, "/version", Right("get", "/version"))
