"""Sandboxes that a system's own package makes: who one is, the package's answer says.

Where they are pods of the cluster, a label of theirs has that id, and they are joined by it. Where they are
not, nobody sees them from outside: what they are charged is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from memcollect.documents.snapshot import Missing
from memcollect.errors import UsageError
from memcollect.evidence.port import NotOfferedError, OperationError
from memcollect.kubernetes.objects import Pod
from memcollect.profile.plan.model import AgentSandbox, Packaged
from memcollect.profile.sandboxes.source import Sandbox, SandboxError, pods_named
from memcollect.profile.tools import Tools
from memcollect.sources.kube_config import Cluster
from memcollect.sources.names import checked
from memcollect.sources.plain import plain
from memcollect.sources.pods import Selection, list_pods
from memcollect.trying.drivers.program import Answer, Program

_LABEL_VALUE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
_IDS_AT_ONCE = 50
"""Of a selector, which goes into the address of a request."""
_SWEEP_SECONDS = 180.0
_MOST_DEATHS = 3
"""Of programs that ended by themselves: each start takes seconds."""


class PackagedSource:
    """Asks one program, which is started by `prepare`."""

    makes = True
    late_seconds = 0.0
    """What comes after its time was over bears the run's name, and goes with `close`."""
    unanswered: frozenset[str] = frozenset()

    def __init__(self, source: Packaged, run: str, start: Callable[[Cluster | None], Program]) -> None:
        self._source = source
        self._run = run
        self._start = start
        self._program: Program | None = None
        self._ids: dict[str, str] = {}
        self._pods: dict[str, str] = {}
        self._cluster: Cluster | None = None
        self._deaths = 0

    @property
    def program(self) -> Program:
        """The program at work. Raises SandboxError where it was not started."""
        if self._program is None:
            raise SandboxError("The source's package was not started.")
        return self._program

    @property
    def releases(self) -> bool:
        """Whether this version of the package can."""
        greeting = self.program.greeting
        return greeting is not None and greeting.releases

    def revive(self) -> None:
        """Start a new program where the old one has ended by itself, and let it delete what that one made.

        Raises SandboxError, and so after a few times.
        """
        if not self.program.has_ended:
            return
        self._deaths += 1
        if self._deaths > _MOST_DEATHS:
            raise SandboxError(
                f"The program of the driver {self._source.package} has ended {self._deaths} times."
            )
        self.program.close()
        self._program = None
        self._begin()
        self._swept()

    def prepare(self, tools: Tools) -> dict[str, bytes]:
        """Start the program, once. Raises SandboxError, which says what keeps it."""
        if self._program is None:
            if isinstance(self._source, AgentSandbox):
                self._cluster = tools.api.cluster
            self._begin()
        return {}

    def place(self, key: str) -> Sandbox:
        """Return the sandbox of that key; what its pod is called is known once it is there."""
        return Sandbox(key=key, namespace=self._source.namespace, pod=key, container=self._source.container)

    def know(self, key: str, name: str, pod: str = "") -> None:
        """Note by which id the package knows a sandbox, and its pod's name where it tells that.

        Raises SandboxError for an id that no pod's label can have, or its name.
        """
        if isinstance(self._source, AgentSandbox):
            _check_pod(pod or name)
        elif self._source.namespace and not _LABEL_VALUE.fullmatch(name):
            raise SandboxError(f"The id of a sandbox is {plain(name, 80)!r}, which no pod's label can hold.")
        self._ids[key] = name
        self._pods[key] = pod or name

    def id_of(self, key: str) -> str:
        """Return what the package calls it; "" where it was never answered."""
        return self._ids.get(key, "")

    def make(self, tools: Tools, sandbox: Sandbox) -> None:  # noqa: ARG002 # the protocol's
        """Ask for it, and wait for the answer."""
        self._take(sandbox)

    def look(self, tools: Tools, sandboxes: Sequence[Sandbox]) -> dict[str, Pod]:
        """Return the pods whose label has the ids, by what the sandboxes are called here."""
        if isinstance(self._source, AgentSandbox):
            return self._named(tools, sandboxes)
        called = {self._ids[each.key]: each.pod for each in sandboxes if each.key in self._ids}
        found: dict[str, Pod] = {}
        for pod in self._labelled(tools, sorted(called)) if self._source.namespace else ():
            name = called.get(pod.metadata.labels.get(self._source.label, ""), "")
            ends = pod.metadata.deletion_timestamp is not None
            if name and not (ends and name in found):
                found[name] = pod
        return found

    def release(self, tools: Tools, sandbox: Sandbox) -> None:  # noqa: ARG002 # the protocol's
        """Give it back: it is paused."""
        self._ask("release", key=sandbox.key)

    def reuse(self, tools: Tools, sandbox: Sandbox) -> None:  # noqa: ARG002 # the protocol's
        """Take it again."""
        self._take(sandbox)

    def delete(self, tools: Tools, sandbox: Sandbox) -> None:  # noqa: ARG002 # the protocol's
        """Ask for its deletion; one that the package does not know is gone."""
        self._ask("destroy", key=sandbox.key)

    def left_behind(self, tools: Tools, asked_for: Sequence[str]) -> list[Sandbox]:  # noqa: ARG002 # likewise
        """Let the package delete what bears the run's name; return that, and all that was asked for."""
        self.revive()
        swept = self._swept()
        for each in swept:
            self.know(each, each)
        return [self.place(key) for key in [*asked_for, *swept]]

    def close(self) -> list[Missing]:
        """Let the package delete what is left of the run, and end it; return what could not be asked."""
        if self._program is None:
            return []
        faults = []
        try:
            self._deaths = 0
            self.revive()
            self._swept()
        except SandboxError as error:
            faults.append(str(error))
        finally:
            program, self._program = self._program, None
            if program is not None:
                faults.append(program.close())
        name = f"what {self._source.package} has of run {self._run}"
        return [
            Missing(kind="sandbox", name=name, reason="not-deleted", detail=plain(each))
            for each in filter(None, faults)
        ]

    def _swept(self) -> list[str]:
        """Let the package delete what bears the run's name; return the names. Raises SandboxError.

        DeerFlow's contract knows no runs: all that its provider has made ends with its program.
        """
        try:
            return self.program.ask("sweep", _SWEEP_SECONDS, run=self._run).paths
        except NotOfferedError:
            return []
        except OperationError as error:
            raise SandboxError(_sentence(str(error))) from error

    def _begin(self) -> None:
        try:
            self._program = self._start(self._cluster)
        except OperationError as error:
            raise SandboxError(_sentence(str(error))) from error

    def _take(self, sandbox: Sandbox) -> None:
        answer = self._ask("acquire", key=sandbox.key, thread=sandbox.key, user="")
        self.know(sandbox.key, answer.name, answer.pod)

    def _ask(self, do: str, **more: Any) -> Answer:
        self.revive()
        try:
            return self.program.ask(do, float(self._source.ready_within), **more)
        except OperationError as error:
            raise SandboxError(_sentence(str(error))) from error

    def _named(self, tools: Tools, sandboxes: Sequence[Sandbox]) -> dict[str, Pod]:
        called = {self._pods[each.key]: each.pod for each in sandboxes if each.key in self._pods}
        there = pods_named(tools, self._source.namespace, sorted(called))
        return {called[name]: pod for name, pod in there.items()}

    def _labelled(self, tools: Tools, ids: Sequence[str]) -> Iterator[Pod]:
        for first in range(0, len(ids), _IDS_AT_ONCE):
            values = ",".join(ids[first : first + _IDS_AT_ONCE])
            selection = Selection(
                namespaces=[self._source.namespace], selector=f"{self._source.label} in ({values})"
            )
            yield from list_pods(tools.api, selection, lambda _missing: None)


def _check_pod(name: str) -> None:
    try:
        checked("pod", name)
    except UsageError as error:
        raise SandboxError(f"Of a sandbox the package says that {error.sentence}") from error


def _sentence(words: str) -> str:
    """Return it with a large letter and a full stop."""
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
