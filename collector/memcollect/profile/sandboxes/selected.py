"""Sandboxes that are there already: pods of a label selector. Nothing is made, nothing deleted."""

from __future__ import annotations

from collections.abc import Sequence

from memcollect.kubernetes.objects import Pod
from memcollect.profile.plan.model import Selected
from memcollect.profile.sandboxes.source import Sandbox, SandboxError, pods_named
from memcollect.profile.tools import Tools
from memcollect.sources.plain import plain
from memcollect.sources.pods import Selection, list_pods

_NO_RELEASE = 'source.kind = "selector" has no release; use a provisioner, or ask a person.'


class SelectedSource:
    """The pods of a selector, in the order of their names."""

    makes = False
    releases = False
    late_seconds = 0.0
    unanswered: frozenset[str] = frozenset()

    def __init__(self, source: Selected) -> None:
        self._source = source
        self.names: list[str] = []

    def prepare(self, tools: Tools) -> dict[str, bytes]:
        """Choose the pods. Raises SandboxError where there is none that runs."""
        source = self._source
        selection = Selection(namespaces=[source.namespace], selector=source.selector)
        found = sorted(
            pod.metadata.name
            for pod in list_pods(tools.api, selection, lambda _missing: None)
            if pod.status.phase == "Running" and pod.metadata.deletion_timestamp is None
        )
        if not found:
            raise SandboxError(
                f"No pod in {source.namespace} that runs matches {plain(source.selector, 80)}.",
                f"Check source.namespace and source.selector with `kubectl get pods -n {source.namespace}"
                " --show-labels`.",
            )
        self.names = found[: source.most]
        return {}

    def place(self, key: str) -> Sandbox:
        """Return the pod whose number in the row `key` ends with."""
        name = self.names[int(key.rpartition("-")[2]) - 1]
        return Sandbox(key=key, namespace=self._source.namespace, pod=name, container=self._source.container)

    def make(self, tools: Tools, sandbox: Sandbox) -> None:
        """Do nothing: it is there."""

    def look(self, tools: Tools, sandboxes: Sequence[Sandbox]) -> dict[str, Pod]:
        """Return the pods by name."""
        return pods_named(tools, self._source.namespace, [each.pod for each in sandboxes])

    def release(self, tools: Tools, sandbox: Sandbox) -> None:  # noqa: ARG002 # the protocol's
        """Raise SandboxError."""
        raise SandboxError(_NO_RELEASE)

    def reuse(self, tools: Tools, sandbox: Sandbox) -> None:  # noqa: ARG002 # the protocol's
        """Raise SandboxError."""
        raise SandboxError(_NO_RELEASE)

    def delete(self, tools: Tools, sandbox: Sandbox) -> None:
        """Do nothing: it is not ours."""

    def left_behind(self, tools: Tools, asked_for: Sequence[str]) -> list[Sandbox]:  # noqa: ARG002 # the protocol's
        """Return nothing: nothing was made."""
        return []
