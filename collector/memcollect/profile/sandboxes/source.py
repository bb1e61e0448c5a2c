"""Sandboxes, however they are made: what every source can do."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec
from msgspec import Struct

from memcollect.errors import CollectorError
from memcollect.kubernetes.objects import Pod
from memcollect.profile.tools import Tools
from memcollect.sources.pods import Selection, list_pods

RUN_LABEL = "memcollect/run"
"""On everything that a run makes in the cluster; its value is the run's id."""
RUN_ID = re.compile(r"[0-9a-f]{10}", re.ASCII)
FEW = 5
"""Up to this many pods are looked at one by one; of more, all of their namespace are listed."""


class SandboxError(CollectorError):
    """A sandbox could not be had, released or deleted; the run goes on without it."""


class Sandbox(Struct, frozen=True, kw_only=True):
    """One sandbox; `uid` is "" until its pod has been seen."""

    key: str
    """What tells it from the run's others, and what {id} stands for."""
    namespace: str
    pod: str
    container: str = ""
    uid: str = ""
    requested_at: float | None = None
    """On this machine's clock."""

    @property
    def pod_name(self) -> str:
        """Its pod's name with the namespace, as messages give it."""
        return f"{self.namespace}/{self.pod}"


class Source(Protocol):
    """Where sandboxes come from. Its methods may be called from several threads, each with its own tools."""

    @property
    def makes(self) -> bool:
        """Whether it makes sandboxes (and so can make many), or takes what is there."""

    @property
    def releases(self) -> bool:
        """Whether it can release a sandbox and give it back."""

    @property
    def late_seconds(self) -> float:
        """For how long after its deletion a sandbox may come that is unanswered; 0: none comes so."""

    @property
    def unanswered(self) -> Collection[str]:
        """The keys of sandboxes that were asked for, and of which nothing was heard."""

    def prepare(self, tools: Tools) -> dict[str, bytes]:
        """Read what it needs; return the files that a bundle keeps of it. Raises CollectorError."""

    def place(self, key: str) -> Sandbox:
        """Return what the sandbox of that key will be, before anything is asked."""

    def make(self, tools: Tools, sandbox: Sandbox) -> None:
        """Ask for it. Raises CollectorError."""

    def look(self, tools: Tools, sandboxes: Sequence[Sandbox]) -> dict[str, Pod]:
        """Return the pods that are there, by name. Raises ClusterError."""

    def release(self, tools: Tools, sandbox: Sandbox) -> None:
        """Give it back without deleting it. Raises CollectorError."""

    def reuse(self, tools: Tools, sandbox: Sandbox) -> None:
        """Take it again. Raises CollectorError."""

    def delete(self, tools: Tools, sandbox: Sandbox) -> None:
        """Delete it, if this run made it; what is gone already is no fault. Raises CollectorError."""

    def left_behind(self, tools: Tools, asked_for: Sequence[str]) -> list[Sandbox]:
        """Return what the run made and did not delete; `asked_for` are the keys its events tell of."""


def new_run_id() -> str:
    """Return an id that no other run has."""
    return secrets.token_hex(5)


def pods_named(tools: Tools, namespace: str, names: Sequence[str]) -> dict[str, Pod]:
    """Return those of the named pods that are there, by name. Raises ClusterError."""
    if not names:
        return {}
    few = list(names) if len(names) <= FEW else None
    wanted = frozenset(names)
    found = list_pods(tools.api, Selection(namespaces=[namespace], names=few), lambda _missing: None)
    return {pod.metadata.name: pod for pod in found if pod.metadata.name in wanted}


def with_uid(sandbox: Sandbox, pod: Pod) -> Sandbox:
    """Return the sandbox with the UID and the name of its pod, and the container in which commands run."""
    first = pod.spec.containers[0].name if pod.spec.containers else ""
    return msgspec.structs.replace(
        sandbox, pod=pod.metadata.name, uid=pod.metadata.uid, container=sandbox.container or first
    )
