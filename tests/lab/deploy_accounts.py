"""Accounts, roles, bindings and quotas of a stand-in cluster: what its API server holds requests against.

RBAC as Kubernetes has it: what no role grants is refused. The administrator may do everything.
"""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from memcollect.testing import NAMESPACES, PODS, Cluster, Resource, Rule
from memcollect.testing.failures import ApiError
from memcollect.testing.store import Stored

Json = dict[str, Any]
ADMINISTRATOR = "administrator"
_RBAC = "rbac.authorization.k8s.io"
ACCOUNTS = Resource("", "v1", "serviceaccounts", "serviceaccount", "ServiceAccount", True, ("sa",))
QUOTAS = Resource("", "v1", "resourcequotas", "resourcequota", "ResourceQuota", True, ("quota",))
ROLES = Resource(_RBAC, "v1", "roles", "role", "Role", namespaced=True)
BINDINGS = Resource(_RBAC, "v1", "rolebindings", "rolebinding", "RoleBinding", namespaced=True)
CLUSTER_ROLES = Resource(_RBAC, "v1", "clusterroles", "clusterrole", "ClusterRole", namespaced=False)
CLUSTER_BINDINGS = Resource(
    _RBAC, "v1", "clusterrolebindings", "clusterrolebinding", "ClusterRoleBinding", namespaced=False
)
KINDS = {each.kind: each for each in (ACCOUNTS, QUOTAS, ROLES, BINDINGS, CLUSTER_ROLES, CLUSTER_BINDINGS)}
_BY_ALL = Rule(True, "create", "authorization.k8s.io", "selfsubjectaccessreviews")
"""system:basic-user."""


class GuardedCluster(Cluster):
    """A stand-in that knows who asks, and what each may."""

    def __init__(self) -> None:
        super().__init__()
        self.register(*KINDS.values())
        self.access.tokens[uuid.uuid4().hex] = ADMINISTRATOR
        self.access.rules_of = self._rules_of
        self.subresources[ACCOUNTS, "token"] = self._token

    def admit(self, resource: Resource, namespace: str, document: Json) -> Json:
        """Hold a pod against the quotas of its namespace. Raises ApiError (403)."""
        if resource == PODS:
            self._hold_to_quotas(namespace, document["metadata"]["name"])
        made = super().admit(resource, namespace, document)
        if resource == QUOTAS:
            made["status"] = {"hard": made["spec"]["hard"], "used": {"pods": str(self._pods(namespace))}}
        return made

    def empty(self, namespace: str) -> None:
        """Take everything out of a namespace, and end its pods."""
        for found in [each for each in self.store.all(PODS) if each.namespace == namespace]:
            self.on_pod_deleted(found.decoded())
        super().empty(namespace)
        for resource in KINDS.values():
            for found in [each for each in self.store.all(resource) if each.namespace == namespace]:
                self.store.remove(resource, namespace, found.fields["metadata.name"])

    def left(self, label: str) -> list[str]:
        """Return what is there of objects that bear a label."""
        every = (*KINDS.values(), NAMESPACES, PODS)
        found = [
            (resource.kind, each.decoded()["metadata"])
            for resource in every
            for each in self.store.all(resource)
        ]
        return [
            f"{kind} {metadata['name']}"
            for kind, metadata in found
            if label in (metadata.get("labels") or {})
        ]

    def _pods(self, namespace: str) -> int:
        return sum(each.namespace == namespace for each in self.store.all(PODS))

    def _hold_to_quotas(self, namespace: str, name: str) -> None:
        used = self._pods(namespace)
        for quota in self._of(QUOTAS, namespace):
            hard = quota["spec"]["hard"].get("pods")
            if hard is not None and used >= int(hard):
                counts = f"requested: pods=1, used: pods={used}, limited: pods={hard}"
                told = f'pods "{name}" is forbidden: exceeded quota: {quota["metadata"]["name"]}, {counts}'
                raise ApiError(403, "Forbidden", told, {"name": name, "kind": "pods"})

    def _token(self, namespace: str, name: str, request: Json) -> Json:
        self.store.get(ACCOUNTS, namespace, name)
        token = uuid.uuid4().hex
        self.access.tokens[token] = f"system:serviceaccount:{namespace}:{name}"
        return {**request, "status": {"token": token}}

    def _of(self, resource: Resource, namespace: str = "") -> list[Json]:
        return [each.decoded() for each in self.store.all(resource) if each.namespace == namespace]

    def _rules_of(self, user: str) -> Sequence[Rule]:
        if user == ADMINISTRATOR:
            return ()
        return [Rule(False), _BY_ALL, *self._granted(user)]

    def _granted(self, user: str) -> Iterator[Rule]:
        for resource in (BINDINGS, CLUSTER_BINDINGS):
            for found in self.store.all(resource):
                binding = found.decoded()
                if any(_names(each, user) for each in binding.get("subjects") or ()):
                    yield from _rules(self._role(binding["roleRef"], found), found.namespace or "*")

    def _role(self, reference: Json, binding: Stored) -> Json:
        resource = KINDS[reference["kind"]]
        namespace = binding.namespace if resource.namespaced else ""
        if not self.store.has(resource, namespace, reference["name"]):
            return {}
        return self.store.get(resource, namespace, reference["name"]).decoded()


def _names(subject: Json, user: str) -> bool:
    return user == f"system:serviceaccount:{subject.get('namespace')}:{subject['name']}"


def _rules(role: Json, namespace: str) -> Iterator[Rule]:
    for rule in role.get("rules") or ():
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                yield from (Rule(True, verb, group, resource, namespace) for verb in rule["verbs"])
