"""The pod that looks for one pod's files: an agent on its node, with two capabilities more. Pure."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

from memcollect.kubernetes.objects import Owner

LABEL = "memcollect/files"
"""On every such pod; its value is the id of the one run that made it."""
NAME = "memcollect-files"
CAPABILITIES = ("SYS_PTRACE", "DAC_READ_SEARCH", "FOWNER")
"""Those of deploy/overlays/files."""
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
"""What AppArmor is told by before Kubernetes 1.30, and the container's name."""
_CONTAINER = "agent"


class _Object(Struct, frozen=True, kw_only=True, rename="camel"):
    """As in kubernetes.objects; what is passed on as it is stays a dict."""


class Metadata(_Object, frozen=True):
    """ObjectMeta, with its annotations as they are."""

    name: str
    namespace: str = ""
    uid: str = ""
    annotations: dict[str, str] = field(default_factory=dict)
    owner_references: list[Owner] = field(default_factory=list)


class Container(_Object, frozen=True):
    """The agent's container."""

    name: str = ""
    image: str = ""
    resources: dict[str, Any] = field(default_factory=dict)
    security_context: dict[str, Any] = field(default_factory=dict)


class Spec(_Object, frozen=True):
    """The agent's pod."""

    containers: list[Container]
    service_account_name: str = ""
    priority_class_name: str = ""
    image_pull_secrets: list[dict[str, Any]] = field(default_factory=list)


class DeployedAgent(_Object, frozen=True):
    """The node's agent, as the API has it: what a node's registry and security modules ask for is its own."""

    metadata: Metadata
    spec: Spec

    @property
    def container(self) -> Container:
        """The agent's own, whatever was put beside it."""
        containers = self.spec.containers
        return next((each for each in containers if each.name == _CONTAINER), containers[0])

    @property
    def has_the_rights(self) -> bool:
        """Whether no other pod could see more files."""
        context = self.container.security_context
        added = (context.get("capabilities") or {}).get("add") or []
        return bool(context.get("privileged")) or set(CAPABILITIES) <= set(added)


class Manifest(_Object, frozen=True):
    """One pod to be made."""

    name: str
    namespace: str
    id: str
    node: str
    port: int
    seconds: int
    document: dict[str, Any]

    @property
    def selector(self) -> str:
        """What finds this pod, and no other."""
        return f"{LABEL}={self.id}"


def manifest(agent: DeployedAgent, node: str, id_: str, port: int, seconds: int) -> Manifest:
    """Return the pod that lives on `node`, whose agent is `agent`, for `seconds` at most."""
    name = f"{NAME}-{id_}"
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": agent.metadata.namespace,
        # Not the agents' own label: their DaemonSet would take the pod for one of its own, and delete it.
        "labels": {"app.kubernetes.io/name": NAME, LABEL: id_},
    }
    annotations = {f"{APPARMOR}{_CONTAINER}": value for value in _apparmor(agent)}
    if annotations:
        metadata["annotations"] = annotations
    owners = [_owned_by(each) for each in agent.metadata.owner_references if each.controller]
    if owners:
        metadata["ownerReferences"] = owners
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
    document["spec"] = {**_spec(agent, port), "nodeName": node, "activeDeadlineSeconds": seconds}
    namespace = agent.metadata.namespace
    return Manifest(
        name=name, namespace=namespace, id=id_, node=node, port=port, seconds=seconds, document=document
    )


def _spec(agent: DeployedAgent, port: int) -> dict[str, Any]:
    taken = {
        "serviceAccountName": agent.spec.service_account_name,
        "priorityClassName": agent.spec.priority_class_name,
        "imagePullSecrets": agent.spec.image_pull_secrets,
    }
    return {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 5,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "tolerations": [{"operator": "Exists"}],
        "hostPID": True,
        "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [_container(agent.container, port)],
        "volumes": [{"name": "cgroup", "hostPath": {"path": "/sys/fs/cgroup", "type": "Directory"}}],
        **{key: value for key, value in taken.items() if value},
    }


def _container(agent: Container, port: int) -> dict[str, Any]:
    kept = ("appArmorProfile", "seLinuxOptions")
    return {
        "name": _CONTAINER,
        "image": agent.image,
        "imagePullPolicy": "IfNotPresent",
        "args": [
            "serve",
            "--cgroup=/host/sys/fs/cgroup",
            f"--listen=127.0.0.1:{port}",
            "--health-listen=off",
        ],
        "env": [{"name": "MEMCOLLECT_NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
        "resources": agent.resources,
        "securityContext": {
            "runAsUser": 0,
            "runAsGroup": 0,
            "privileged": False,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"], "add": list(CAPABILITIES)},
            **{key: value for key, value in agent.security_context.items() if key in kept},
        },
        "volumeMounts": [{"name": "cgroup", "mountPath": "/host/sys/fs/cgroup", "readOnly": True}],
    }


def _apparmor(agent: DeployedAgent) -> list[str]:
    """Return what the annotation of old says of the agent; nothing where the field of today says it."""
    said = agent.metadata.annotations.get(f"{APPARMOR}{agent.container.name}")
    return [] if said is None or "appArmorProfile" in agent.container.security_context else [said]


def _owned_by(controller: Owner) -> dict[str, Any]:
    """Return the owner with which the pod goes; as no controller's, for that would count it as its own."""
    return {
        "apiVersion": controller.api_version,
        "kind": controller.kind,
        "name": controller.name,
        "uid": controller.uid,
    }
