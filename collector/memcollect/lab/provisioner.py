"""An HTTP service that makes sandboxes, as DeerFlow's provisioner does, with a release besides.

    POST   [/BACKEND]/api/sandboxes              {"sandbox_id": …, "thread_id": …}: make it, if it is not
    GET    [/BACKEND]/api/sandboxes/ID           its status
    DELETE [/BACKEND]/api/sandboxes/ID           delete it
    POST   [/BACKEND]/api/sandboxes/ID/release   park it: as DeerFlow's backend does, nothing is freed

Each request bears X-API-Key. A backend is one way of making the same sandbox; without one it is the first.
"""

import http.server
import json
import re
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Self

from memcollect.lab.errors import LabError
from memcollect.lab.sandboxes import API_KEY, BACKENDS, manifest
from memcollect.testing import PODS, Cluster

PORT = 8002
"""As DeerFlow's own."""
_PATH = re.compile(r"(?:/([a-z]+))?/api/sandboxes(?:/([a-z0-9-]{1,63}))?(/release)?")
_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Sandboxes:
    """What a request is to do, done to the API server's pods; returns a status each."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._lock = threading.Lock()

    def create(self, sandbox: str, backend: str) -> HTTPStatus:
        """Make its pod, if it is not there."""
        document = manifest(self._namespace, sandbox, BACKENDS[backend]())
        with self._lock:
            if self._there(sandbox):
                return HTTPStatus.OK
            self._cluster.put(PODS, self._cluster.admit(PODS, self._namespace, document))
        return HTTPStatus.CREATED

    def status(self, sandbox: str) -> HTTPStatus:
        """Tell whether its pod is there."""
        return HTTPStatus.OK if self._there(sandbox) else HTTPStatus.NOT_FOUND

    def release(self, sandbox: str) -> HTTPStatus:
        """Park it, which frees nothing."""
        return self.status(sandbox)

    def delete(self, sandbox: str) -> HTTPStatus:
        """Delete its pod, and tell its node."""
        with self._lock:
            if not self._there(sandbox):
                return HTTPStatus.NOT_FOUND
            removed = self._cluster.store.remove(PODS, self._namespace, f"sandbox-{sandbox}")
        self._cluster.on_pod_deleted(removed.decoded())
        return HTTPStatus.OK

    def _there(self, sandbox: str) -> bool:
        return self._cluster.store.has(PODS, self._namespace, f"sandbox-{sandbox}")


class Provisioner:
    """A context manager that serves on the loopback while it is entered. Raises LabError for a used port."""

    def __init__(self, sandboxes: Sandboxes, port: int = PORT) -> None:
        self.asked: list[tuple[str, str]] = []
        """Method and path of every request that was let in."""
        self._sandboxes = sandboxes
        try:
            self._server = _Server(("127.0.0.1", port), self._handler())
        except OSError as error:
            raise LabError(
                f"the lab's provisioner needs port {port} of the loopback: {error.strerror}"
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="provisioner")

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        provisioner = self

        class Handler(_Handler):
            sandboxes = provisioner._sandboxes
            asked = provisioner.asked

        return Handler


class _Server(http.server.ThreadingHTTPServer):
    request_queue_size = 256
    """A hundred sandboxes are asked for at once; the library's five would turn some away."""


class _Handler(http.server.BaseHTTPRequestHandler):
    sandboxes: Sandboxes
    asked: list[tuple[str, str]]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the base class names it so
        """Say nothing."""

    def do_GET(self) -> None:
        """Tell a sandbox's status."""
        self._act(lambda _backend, sandbox, _release: self.sandboxes.status(sandbox))

    def do_DELETE(self) -> None:
        """Delete a sandbox."""
        self._act(lambda _backend, sandbox, _release: self.sandboxes.delete(sandbox))

    def do_POST(self) -> None:
        """Make a sandbox, or park it."""
        self._act(self._posted)

    def _posted(self, backend: str, sandbox: str, release: str) -> HTTPStatus:
        if release:
            return self.sandboxes.release(sandbox)
        try:
            wanted = json.loads(self._body)["sandbox_id"]
        except (ValueError, KeyError, TypeError):
            return HTTPStatus.UNPROCESSABLE_ENTITY
        if not isinstance(wanted, str) or not _ID.fullmatch(wanted):
            return HTTPStatus.UNPROCESSABLE_ENTITY
        return self.sandboxes.create(wanted, backend)

    def _act(self, function: Callable[[str, str, str], HTTPStatus]) -> None:
        self._body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        found = _PATH.fullmatch(self.path)
        if self.headers.get("X-API-Key") != API_KEY:
            return self._answer(HTTPStatus.UNAUTHORIZED)
        self.asked.append((self.command, self.path))
        if found is None or (found[1] or "disk") not in BACKENDS:
            return self._answer(HTTPStatus.NOT_FOUND)
        return self._answer(function(found[1] or "disk", found[2] or "", found[3] or ""))

    def _answer(self, status: HTTPStatus) -> None:
        body = json.dumps({"status": status.phrase}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
