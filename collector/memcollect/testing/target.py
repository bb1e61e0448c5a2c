"""What a path of the API names."""

import dataclasses
from collections.abc import Sequence

from memcollect.testing import failures, resources
from memcollect.testing.access import Attributes
from memcollect.testing.cluster import Cluster
from memcollect.testing.resources import Resource


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """What a resource path names; `namespace` and `name` are empty where it names all."""

    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    def attributes(self, verb: str) -> Attributes:
        """Return what doing `verb` to it asks of the authorizer."""
        full = f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural
        return Attributes(verb, self.resource.group, full, self.namespace, self.name)


def target(cluster: Cluster, path: str) -> Target | None:
    """Return what `path` names, None for a path outside the API's groups. Raises ApiError (404)."""
    served = cluster.served
    match path.strip("/").split("/"):
        case ["api", version, *rest] if resources.resource_list(served, "", version):
            return _target(served, "", version, rest)
        case ["apis", group, version, *rest] if resources.resource_list(served, group, version):
            return _target(served, group, version, rest)
    return None


def _target(served: Sequence[Resource], group: str, version: str, rest: list[str]) -> Target:
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    resource = resources.find(served, group, version, rest[0]) if rest else None
    if resource is None or len(rest) > 3 or (namespace and not resource.namespaced):
        raise failures.no_such_resource()
    name, subresource = (*rest[1:], "", "")[:2]
    return Target(resource, namespace, name, subresource)
