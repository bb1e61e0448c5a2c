"""Runtime classes: what a pod's runtimeClassName means on the node."""

from memcollect.kubernetes.objects import RuntimeClass
from memcollect.sources.api import Api
from memcollect.sources.pages import Listing, Report, items
from memcollect.sources.rights import Right

PATH = "/apis/node.k8s.io/v1/runtimeclasses"


def runtime_classes(api: Api, report: Report) -> dict[str, RuntimeClass]:
    """Return the cluster's runtime classes by name. Raises a ClusterError.

    They hardly ever change, so any replica's cached copy will do (resourceVersion=0).
    """
    right = Right("list", "runtimeclasses", "node.k8s.io")
    listing = Listing(PATH, right, RuntimeClass, [("resourceVersion", "0")])
    return {item.metadata.name: item for item in items(api, listing, report)}
