"""Kubernetes' agent-sandbox through its own package, asked by lines of JSON: claims on a warm pool.

    PYTHON ask_agent_sandbox.py '{"run": "mc-…", "api": "", "template": "POOL", "namespace": "default", …}'

The standard library and `k8s_agent_sandbox`; the protocol is that of `speaking`, beside it. `template` is the
name of a SandboxWarmPool, and `api` the address of the router; without it the package forwards a port by
kubectl.
"""

import base64
import logging
import shlex
import sys
from typing import Any

from speaking import Refused, delete_each, lacking, own_stdout, serve, told  # type: ignore[import-not-found]

OFFERS = ("run", "read", "write", "put", "get")
_RUN = "memcollect-run"
_LIVES_SECONDS = 3600
"""What is left of a run after a crash ends by itself."""
_BASE = "/app"
"""Below it the runtime keeps the files that it is given."""


class Asked:
    """The package, and the sandboxes that were taken, by our keys, which are their claims' names."""

    def __init__(self, client: Any, options: dict[str, Any]) -> None:
        self._client = client
        self._kubernetes = client.k8s_helper
        self._run = options["run"]
        self._pool = options["template"]
        self._namespace = options["namespace"]
        self._prefix = options["prefix"]
        self._boxes: dict[str, Any] = {}

    def acquire(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Claim a sandbox of the pool."""
        key = asked["key"]
        if key not in self._boxes:
            self._boxes[key] = self._client.create_sandbox(
                self._pool,
                namespace=self._namespace,
                sandbox_ready_timeout=max(1, int(asked["seconds"])),
                labels={_RUN: self._run},
                claim_name=key,
                shutdown_after_seconds=_LIVES_SECONDS,
            )
        box = self._boxes[key]
        return {
            "name": box.sandbox_id,
            "pod": box.get_pod_name(),
            "prefix": self._prefix,
            "temp": f"{self._prefix}/tmp",  # noqa: S108 - the sandbox's own
        }

    def destroy(self, asked: dict[str, Any]) -> None:
        """Delete its claim; one that is gone already is no fault."""
        box = self._boxes.pop(asked["key"], None)
        if box is not None:
            box.close_connection()
        self._kubernetes.delete_sandbox_claim(
            asked["key"], self._namespace, _request_timeout=asked["seconds"]
        )

    def sweep(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Delete every claim that bears the run's name."""
        names = []

        def delete(claim: str) -> None:
            found = self._kubernetes.get_sandbox_claim(claim, self._namespace) or {}
            names.append(((found.get("status") or {}).get("sandbox") or {}).get("name") or claim)
            self._kubernetes.delete_sandbox_claim(claim, self._namespace)
            self._boxes.pop(claim, None)

        claims = self._kubernetes.list_sandbox_claims(self._namespace, f"{_RUN}={asked['run']}")
        delete_each(claims, delete)
        return {"paths": names}

    def shutdown(self, _asked: dict[str, Any]) -> None:
        """Delete all that is there, known by a key or not: one may have been made after its time was over."""
        self.sweep({"run": self._run})

    def run(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Run a line of shell; the runtime itself starts a program and no shell."""
        done = self._box(asked).commands.run(
            f"sh -c {shlex.quote(asked['command'])}",
            timeout=asked["seconds"],
            command_timeout=asked["limit"],
            env=asked["env"] or None,
        )
        answer = {"text": done.stdout, "stderr": done.stderr}
        if done.timed_out:
            return {**answer, "timed_out": True}
        return {**answer, "signal" if done.exit_code < 0 else "code": abs(done.exit_code)}

    def read(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return text."""
        return {"text": self._file(asked).decode()}

    def write(self, asked: dict[str, Any]) -> None:
        """Write text."""
        self._write(asked, asked["text"].encode())

    def put(self, asked: dict[str, Any]) -> None:
        """Write bytes."""
        self._write(asked, base64.b64decode(asked["data"]))

    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return bytes."""
        return {"data": base64.b64encode(self._file(asked)).decode()}

    def _file(self, asked: dict[str, Any]) -> Any:
        path, outside = _place(asked["path"])
        return self._box(asked).files.read(path, timeout=asked["seconds"], allow_unsafe_paths=outside)

    def _write(self, asked: dict[str, Any], data: bytes) -> None:
        path, outside = _place(asked["path"])
        self._box(asked).files.write(path, data, timeout=asked["seconds"], allow_unsafe_paths=outside)

    def _box(self, asked: dict[str, Any]) -> Any:
        if asked["key"] not in self._boxes:
            raise Refused("not-found", f"there is no sandbox {asked['key']}")
        return self._boxes[asked["key"]]


def _place(path: str) -> tuple[str, bool]:
    """Return a path as the runtime takes it: from its own directory, else whole, which it may refuse."""
    inside = path.startswith(f"{_BASE}/")
    return (path.removeprefix(f"{_BASE}/") if inside else path), not inside


def main() -> None:
    """Ask agent-sandbox."""
    out, options = own_stdout(), told()
    if not options["template"]:
        sys.exit("evidence.template is missing: the SandboxWarmPool that its sandboxes are claimed from")
    try:
        import k8s_agent_sandbox as package  # type: ignore[import-not-found] # noqa: PLC0415
        from k8s_agent_sandbox import models  # noqa: PLC0415
        from kubernetes import client, config  # noqa: PLC0415
    except ImportError as error:
        sys.exit(lacking("k8s-agent-sandbox", "agent-sandbox", error))
    # It logs every error that it raises, too.
    logging.getLogger("k8s_agent_sandbox").setLevel(logging.CRITICAL)
    api: Any = None
    if options.get("kubeconfig"):
        loaded = client.Configuration()
        try:
            config.load_kube_config(options["kubeconfig"], options.get("context") or None, loaded)
        except config.ConfigException as error:
            sys.exit(f"the kubeconfig {options['kubeconfig']} cannot be used: {error}")
        api = client.ApiClient(loaded)
    to = models.SandboxDirectConnectionConfig(api_url=options["api"]) if options["api"] else None
    asked = Asked(package.SandboxClient(connection_config=to, api_client=api), options)
    greeting = {"provider": "agent-sandbox", "exits": True, "deletes": True, "releases": False}
    serve(asked, {**greeting, "level": "api", "offers": OFFERS}, sys.stdin, out)


if __name__ == "__main__":
    main()
