"""Sandboxes that an HTTP service makes. Their ids carry the run's, which is how they are known again."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import urllib3

from memcollect.errors import ProvisionerError, UsageError
from memcollect.kubernetes.objects import Pod
from memcollect.profile.plan.model import Call, Provisioned
from memcollect.profile.sandboxes.source import Sandbox, SandboxError, pods_named
from memcollect.profile.tools import Tools
from memcollect.secrecy import remember_secret
from memcollect.sources.plain import plain
from memcollect.sources.provisioner import ProvisionerCall, ask
from memcollect.sources.timed import timed

_GONE = frozenset({404, 410})
_REFUSED = frozenset({400, 401, 403, 404, 405, 409, 415, 422})
"""Answers to a creation after which there is nothing of ours: what 409 speaks of is somebody else's."""

_LONGEST_LATE_SECONDS = 180.0
DEFAULT_USER = "memcollect"


class ProvisionedSource:
    """Sandboxes by URL templates."""

    makes = True

    def __init__(
        self,
        source: Provisioned,
        run_id: str,
        environ: Mapping[str, str] = os.environ,
        pool: urllib3.PoolManager | None = None,
    ) -> None:
        self._source = source
        self._run_id = run_id
        self._environ = environ
        self._headers: dict[str, str] = {}
        self._owners: dict[str, tuple[str, str]] = {}
        self._refused: set[str] = set()
        self.unanswered: set[str] = set()
        """Keys for which a pod may still come: a request for it runs, or was given up without an answer."""
        self._pool = pool or timed(urllib3.PoolManager(maxsize=32, cert_reqs="CERT_REQUIRED"))

    @property
    def releases(self) -> bool:
        """Whether the plan gives a request for it."""
        return self._source.release is not None

    @property
    def knows_users(self) -> bool:
        """Whether the plan's request for a sandbox names a user."""
        return "{user}" in self._source.create.url + self._source.create.body

    def own(self, key: str, thread: str, user: str) -> None:
        """Note for whom a sandbox will be; of others the thread is the key, and the user DEFAULT_USER."""
        self._owners[key] = thread, user or DEFAULT_USER

    @property
    def late_seconds(self) -> float:
        """As long again as an answer may take, within bounds."""
        return min(float(self._source.request_timeout), _LONGEST_LATE_SECONDS)

    def prepare(self, tools: Tools) -> dict[str, bytes]:  # noqa: ARG002 # the protocol's
        """Take the headers' values from the environment. Raises UsageError for those that are not there."""
        absent = [name for name in self._source.headers.values() if not self._environ.get(name)]
        if absent:
            raise UsageError(
                f"The source's headers need {', '.join(map(plain, absent))} in the environment.",
                f"Set it: export {plain(absent[0])}=…",
            )
        values = {
            header: remember_secret(self._environ[name]) for header, name in self._source.headers.items()
        }
        broken = [header for header, value in values.items() if not value.isprintable()]
        if broken:
            raise UsageError(
                f"The value for the header {plain(broken[0])} has characters no header may have."
            )
        self._headers = values
        return {}

    def place(self, key: str) -> Sandbox:
        """Return the sandbox of that id."""
        source = self._source
        pod = source.pod.replace("{id}", key)
        return Sandbox(key=key, namespace=source.namespace, pod=pod, container=source.container)

    def make(self, tools: Tools, sandbox: Sandbox) -> None:  # noqa: ARG002 # the protocol's
        """Ask for it."""
        try:
            self._ask_for_a_pod(self._source.create, sandbox)
        except ProvisionerError as error:
            if error.status in _REFUSED:
                self._refused.add(sandbox.key)
            raise

    def look(self, tools: Tools, sandboxes: Sequence[Sandbox]) -> dict[str, Pod]:
        """Return the pods by name."""
        return pods_named(tools, self._source.namespace, [each.pod for each in sandboxes])

    def release(self, tools: Tools, sandbox: Sandbox) -> None:  # noqa: ARG002 # the protocol's
        """Ask for its release."""
        if self._source.release is None:
            raise SandboxError("The source has no release request; add source.release, or ask a person.")
        self._ask(self._source.release, sandbox)

    def reuse(self, tools: Tools, sandbox: Sandbox) -> None:  # noqa: ARG002 # the protocol's
        """Ask for it again."""
        self._ask_for_a_pod(self._source.reuse or self._source.create, sandbox)

    def delete(self, tools: Tools, sandbox: Sandbox) -> None:  # noqa: ARG002 # the protocol's
        """Ask for its deletion, unless it was refused; what the service does not know is gone."""
        if sandbox.key not in self._refused:
            self._ask(self._source.delete, sandbox, _GONE)

    def left_behind(self, tools: Tools, asked_for: Sequence[str]) -> list[Sandbox]:  # noqa: ARG002 # the protocol's
        """Return the sandboxes of this run that were asked for; they may be gone already."""
        return [self.place(key) for key in asked_for if key.startswith(f"mc-{self._run_id}-")]

    def _ask_for_a_pod(self, call: Call, sandbox: Sandbox) -> None:
        self.unanswered.add(sandbox.key)
        try:
            self._ask(call, sandbox)
        except ProvisionerError as error:
            if error.unanswered:
                raise
            self.unanswered.discard(sandbox.key)
            raise
        self.unanswered.discard(sandbox.key)

    def _ask(self, call: Call, sandbox: Sandbox, also_good: frozenset[int] = frozenset()) -> None:
        filled = ProvisionerCall(
            method=call.method,
            url=self._filled(call.url, sandbox),
            body=self._filled(call.body, sandbox),
            content_type=call.content_type,
            headers=self._headers,
        )
        ask(self._pool, filled, self._source.request_timeout, also_good)

    def _filled(self, text: str, sandbox: Sandbox) -> str:
        # All of these are of a-z, 0-9 and "-", so they need no escaping in a URL or in JSON.
        thread, user = self._owners.get(sandbox.key, (sandbox.key, DEFAULT_USER))
        values = {
            "{id}": sandbox.key,
            "{run}": self._run_id,
            "{namespace}": sandbox.namespace,
            "{thread}": thread,
            "{user}": user,
        }
        for name, value in values.items():
            text = text.replace(name, value)
        return text
