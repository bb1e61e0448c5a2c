"""Sandboxes made from a Pod manifest, of a file or of a pod that runs."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from memcollect.documents.files import read_written
from memcollect.documents.yaml_value import yaml_value
from memcollect.errors import DocumentError, MissingError, UsageError
from memcollect.kubernetes.objects import Pod
from memcollect.profile.plan.model import Template
from memcollect.profile.sandboxes.masks import lacks_values, without_secrets
from memcollect.profile.sandboxes.source import RUN_LABEL, Sandbox, SandboxError, with_uid
from memcollect.profile.tools import Tools
from memcollect.sources.api import Api
from memcollect.sources.plain import plain
from memcollect.sources.pod_lifecycle import create_pod, delete_pod, whole_pod
from memcollect.sources.pods import Selection, list_pods

TEMPLATE_NAME = "template.json"
_NOT_CLONED = (
    "nodeName",
    "hostname",
    "subdomain",
    "ephemeralContainers",
    "priority",
    "preemptionPolicy",
    "serviceAccount",
)
"""What a scheduler and admission filled in, and what only one pod can have."""
_TOKEN_VOLUME = "kube-api-access-"  # noqa: S105 # the prefix of a volume's name, which admission adds anew


class TemplateSource:
    """Pods of one template, labelled with the run."""

    makes = True
    releases = False
    late_seconds = 0.0
    unanswered: frozenset[str] = frozenset()

    def __init__(
        self, source: Template, run_id: str, recorded: bytes | None = None, file: Path | None = None
    ) -> None:
        """Take the template from `file`; None: from the pod to clone.

        `recorded` is what the bundle of a run that goes on holds of it.
        """
        self._source = source
        self._run_id = run_id
        self._recorded = None if recorded is None else manifest_of(recorded)
        self._file = file
        self._manifest: dict[str, Any] = {}

    def prepare(self, tools: Tools) -> dict[str, bytes]:
        """Read or clone the manifest; the bundle keeps it without values that may be secret.

        A run that goes on needs these values again, from where they were. Raises CollectorError.
        """
        recorded = self._recorded
        if recorded is None:
            self._manifest = self._made_of(next(self._originals(tools)))
        elif lacks_values(recorded):
            self._manifest = self._again(tools, recorded)
        else:
            self._manifest = self._made_of(recorded)
        return {TEMPLATE_NAME: msgspec.json.format(_shown(self._manifest), indent=2) + b"\n"}

    def place(self, key: str) -> Sandbox:
        """Return the sandbox of that key: its pod is called so."""
        return Sandbox(key=key, namespace=self._source.namespace, pod=key, container=self._source.container)

    def make(self, tools: Tools, sandbox: Sandbox) -> None:
        """Create the pod."""
        manifest = copy.deepcopy(self._manifest)
        manifest["metadata"]["name"] = sandbox.pod
        manifest["metadata"].setdefault("labels", {})[RUN_LABEL] = self._run_id
        create_pod(tools.api, sandbox.namespace, manifest)

    def look(self, tools: Tools, sandboxes: Sequence[Sandbox]) -> dict[str, Pod]:
        """Return the run's pods by name."""
        wanted = {each.pod for each in sandboxes}
        return {name: pod for name, pod in self._labelled(tools).items() if name in wanted}

    def release(self, tools: Tools, sandbox: Sandbox) -> None:  # noqa: ARG002 # the protocol's
        """Raise SandboxError: Kubernetes has no such thing."""
        raise SandboxError('source.kind = "template" has no release; use a provisioner, or ask a person.')

    reuse = release

    def delete(self, tools: Tools, sandbox: Sandbox) -> None:
        """Delete the pod, if it is there and labelled with this run."""
        pod = self._labelled(tools).get(sandbox.pod) if not sandbox.uid else None
        uid = sandbox.uid or (pod.metadata.uid if pod else "")
        if uid:
            delete_pod(tools.api, sandbox.namespace, sandbox.pod, uid)

    def left_behind(self, tools: Tools, asked_for: Sequence[str]) -> list[Sandbox]:  # noqa: ARG002 # the label tells
        """Return every pod of the namespace that is labelled with this run."""
        return [with_uid(self.place(name), pod) for name, pod in self._labelled(tools).items()]

    def _labelled(self, tools: Tools) -> dict[str, Pod]:
        selection = Selection(namespaces=[self._source.namespace], selector=f"{RUN_LABEL}={self._run_id}")
        return {pod.metadata.name: pod for pod in list_pods(tools.api, selection, lambda _missing: None)}

    def _made_of(self, whole: Mapping[str, Any]) -> dict[str, Any]:
        """Return the manifest of the run's pods."""
        spec = cloned_spec(whole["spec"])
        if self._source.runtime_class:
            spec["runtimeClassName"] = self._source.runtime_class
        kept = {"metadata": _kept_metadata(whole.get("metadata")), "spec": spec}
        return {"apiVersion": "v1", "kind": "Pod", **kept}

    def _again(self, tools: Tools, recorded: Mapping[str, Any]) -> dict[str, Any]:
        """Return the manifest that the run began with, which is known by all that was recorded of it."""
        why = "is another one now"
        try:
            for original in self._originals(tools):
                manifest = self._made_of(original)
                if msgspec.json.decode(_shown(manifest)) == recorded:
                    return manifest
        except (DocumentError, MissingError, SandboxError) as error:
            why = f"is not there ({error.sentence.rstrip('.')})"
        what = f"the pod {plain(self._source.clone, 80)}" if self._file is None else plain(str(self._file))
        raise SandboxError(
            f"The run's pods were made like {what}, and no bundle keeps its environment; it {why}.",
            "Put it back as it was, or delete what the run has left with --clean and begin a new one.",
        )

    def _originals(self, tools: Tools) -> Iterator[dict[str, Any]]:
        """Yield what the run's pods may be made like: the first is what a new run takes."""
        if self._file is not None:
            yield manifest_of(read_written(str(self._file), "manifest"))
            return
        for name in clonable(tools.api, self._source):
            yield whole_pod(tools.api, self._source.namespace, name)


def clonable(api: Api, source: Template) -> list[str]:
    """Return the names of the pods that `source.clone` means; the first is the one that is cloned.

    Raises SandboxError where no pod matches, a ClusterError.
    """
    if "=" not in source.clone:
        return [source.clone]
    selection = Selection(namespaces=[source.namespace], selector=source.clone)
    found = list_pods(api, selection, lambda _missing: None)
    running = sorted(pod.metadata.name for pod in found if pod.is_ready)
    if not running:
        raise SandboxError(
            f"No ready pod in {source.namespace} matches {plain(source.clone, 80)}, so none can be cloned.",
            "Start one, or give source.file a Pod manifest.",
        )
    return running


def pod_to_clone(api: Api, source: Template) -> str:
    """Return the name of the pod that a run begun now would clone. Raises CollectorError without one."""
    name = clonable(api, source)[0]
    whole_pod(api, source.namespace, name)
    return name


def manifest_of(text: bytes) -> dict[str, Any]:
    """Return the Pod that YAML or JSON holds, or the pod template of a workload. Raises UsageError."""
    try:
        document = yaml_value(text, "The source's file")
    except DocumentError as error:
        raise UsageError(error.sentence, error.remedy) from error
    if isinstance(document, dict) and document.get("kind") not in ("Pod", None):
        document = (
            (document.get("spec") or {}).get("template") if isinstance(document.get("spec"), dict) else None
        )
    spec = document.get("spec") if isinstance(document, dict) else None
    if not isinstance(spec, dict) or not _has_containers(spec):
        raise UsageError(
            "The source's file holds no Pod with containers.",
            "Give a manifest of kind Pod, or with a pod template.",
        )
    return dict(document)


def cloned_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pod's spec fit to be created again: without what was decided for that one pod."""
    fresh = {key: copy.deepcopy(value) for key, value in spec.items() if key not in _NOT_CLONED}
    volumes = [v for v in fresh.get("volumes") or [] if not str(v.get("name", "")).startswith(_TOKEN_VOLUME)]
    if "volumes" in fresh:
        fresh["volumes"] = volumes
    for container in [*(fresh.get("containers") or []), *(fresh.get("initContainers") or [])]:
        mounts = container.get("volumeMounts") or []
        if mounts:
            container["volumeMounts"] = [
                m for m in mounts if not str(m.get("name", "")).startswith(_TOKEN_VOLUME)
            ]
    return fresh


def _kept_metadata(metadata: Any) -> dict[str, Any]:
    """Return no labels: with a clone's own, its Service and its ReplicaSet would take the copy for theirs."""
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(annotations, dict):
        return {}
    kept = {
        key: value for key, value in annotations.items() if "last-applied" not in key and "cni" not in key
    }
    return {"annotations": kept} if kept else {}


def _shown(manifest: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(without_secrets(manifest))


def _has_containers(spec: Mapping[str, Any]) -> bool:
    containers = spec.get("containers")
    return isinstance(containers, list) and bool(containers) and all(isinstance(c, dict) for c in containers)
