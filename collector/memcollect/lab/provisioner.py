"""An HTTP service that makes sandboxes, as DeerFlow's provisioner does, with a release besides.

    POST   [/BACKEND]/api/sandboxes              {"sandbox_id": …, "thread_id": …, "user_id": …}: make
                                                 it, if it is not there
    GET    [/BACKEND]/api/sandboxes/ID           its status
    DELETE [/BACKEND]/api/sandboxes/ID           delete it
    POST   [/BACKEND]/api/sandboxes/ID/release   park it: as DeerFlow's backend does, nothing is freed
    POST   /api/restart                          forget everything, and find the sandboxes again by their pods

    python -m memcollect.lab.provisioner         asks for the last

Each request bears X-API-Key. A backend is one way of making the same sandbox; without one it is the first.
User data are kept by user and thread, unless the thread is called as its sandbox: then they end with it. A
released sandbox is ended when it has been idle.
"""

import http.server
import json
import re
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self

import msgspec
from msgspec import Struct

from memcollect.lab.errors import LabError
from memcollect.lab.sandboxes import API_KEY, BACKENDS, IDLE_SECONDS, USER, manifest
from memcollect.lab.user_data import UserData
from memcollect.testing import PODS, Cluster
from memcollect.testing.store import Stored

PORT = 8002
"""As DeerFlow's own."""
_RESTART = "/api/restart"
_PATH = re.compile(r"(?:/([a-z]+))?/api/sandboxes(?:/([a-z0-9-]{1,63}))?(/release)?")
_ID = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class Wanted(Struct, frozen=True, kw_only=True, rename={"sandbox": "sandbox_id"}):
    """A sandbox asked for."""

    sandbox: str
    thread_id: str = ""
    user_id: str = USER


class _Made(Struct, kw_only=True):
    """A sandbox that is there."""

    backend: str
    thread: str
    data: Path
    is_kept: bool
    """Whether its data outlive it."""
    parked: threading.Timer | None = None


class Sandboxes:
    """What a request is to do, done to the API server's pods; returns a status each."""

    def __init__(
        self, cluster: Cluster, namespace: str, data: UserData, idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._data = data
        self._idle_seconds = idle_seconds
        self._made: dict[str, _Made] = {}
        self._lock = threading.RLock()

    def create(self, wanted: Wanted, backend: str) -> HTTPStatus:
        """Make its pod, if it is not there."""
        with self._lock:
            made = self._made.get(wanted.sandbox)
            if made is not None and self._there(wanted.sandbox):
                self._wake(made)
                return HTTPStatus.OK
            thread = wanted.thread_id or wanted.sandbox
            data = self._data.of(backend, wanted.user_id, thread)
            self._made[wanted.sandbox] = _made(wanted.sandbox, backend, thread, data)
            places = {"user-data": str(data), **{name: str(path) for name, path in self._data.shared.items()}}
            document = manifest(self._namespace, wanted.sandbox, BACKENDS[backend], places)
            self._cluster.put(PODS, self._cluster.admit(PODS, self._namespace, document))
        return HTTPStatus.CREATED

    def status(self, sandbox: str) -> HTTPStatus:
        """Tell whether it is there."""
        return HTTPStatus.OK if self._there(sandbox) else HTTPStatus.NOT_FOUND

    def release(self, sandbox: str) -> HTTPStatus:
        """Park it, which frees nothing until it has been idle for long."""
        with self._lock:
            made = self._made.get(sandbox)
            if made is None or not self._there(sandbox):
                return HTTPStatus.NOT_FOUND
            self._wake(made)
            if "no-idle" not in BACKENDS[made.backend].faults:
                made.parked = threading.Timer(self._idle_seconds, self.delete, [sandbox])
                made.parked.daemon = True
                made.parked.start()
        return HTTPStatus.OK

    def delete(self, sandbox: str) -> HTTPStatus:
        """Delete its pod, and tell its node."""
        with self._lock:
            if not self._there(sandbox):
                return HTTPStatus.NOT_FOUND
            made = self._made.pop(sandbox)
            self._wake(made)
            removed = self._cluster.store.remove(PODS, self._namespace, f"sandbox-{sandbox}")
        self._cluster.on_pod_deleted(removed.decoded())
        if not made.is_kept:
            self._data.remove(made.data)
        return HTTPStatus.OK

    def restart(self) -> HTTPStatus:
        """Begin anew, knowing only what the API tells of pods; what was released counts as in use."""
        with self._lock:
            for each in self._made.values():
                self._wake(each)
            self._made = dict(_adopted(self._cluster.store.all(PODS), self._namespace))
        return HTTPStatus.OK

    def runs(self, backend: str, thread: str) -> bool:
        """Tell whether a sandbox of that thread is there and not parked."""
        with self._lock:
            return any(
                (each.backend, each.thread, each.parked) == (backend, thread, None)
                for each in self._made.values()
            )

    def _there(self, sandbox: str) -> bool:
        in_store = self._cluster.store.has(PODS, self._namespace, f"sandbox-{sandbox}")
        return sandbox in self._made and in_store

    @staticmethod
    def _wake(made: _Made) -> None:
        if made.parked is not None:
            made.parked.cancel()
            made.parked = None


def _adopted(pods: Iterable[Stored], namespace: str) -> Iterator[tuple[str, _Made]]:
    """Yield the sandboxes whose pods are there; of whom their data are says the path (UserData.of)."""
    for pod in (each.decoded() for each in pods if each.namespace == namespace):
        sandbox = pod["metadata"].get("labels", {}).get("sandbox-id")
        paths = [each["hostPath"]["path"] for each in pod["spec"]["volumes"] if each["name"] == "user-data"]
        if sandbox and paths:
            data = Path(paths[0])
            yield sandbox, _made(sandbox, data.parts[-3], data.name, data)


def _made(sandbox: str, backend: str, thread: str, data: Path) -> _Made:
    kept = thread != sandbox and "lost-data" not in BACKENDS[backend].faults
    return _Made(backend=backend, thread=thread, data=data, is_kept=kept)


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
            wanted = msgspec.json.decode(self._body, type=Wanted)
        except msgspec.MsgspecError:
            return HTTPStatus.UNPROCESSABLE_ENTITY
        names = (wanted.thread_id or wanted.sandbox, wanted.user_id)
        if not _ID.fullmatch(wanted.sandbox) or not all(map(_NAME.fullmatch, names)):
            return HTTPStatus.UNPROCESSABLE_ENTITY
        return self.sandboxes.create(wanted, backend)

    def _act(self, function: Callable[[str, str, str], HTTPStatus]) -> None:
        self._body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        found = _PATH.fullmatch(self.path)
        if self.headers.get("X-API-Key") != API_KEY:
            return self._answer(HTTPStatus.UNAUTHORIZED)
        self.asked.append((self.command, self.path))
        if (self.command, self.path) == ("POST", _RESTART):
            return self._answer(self.sandboxes.restart())
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


def main() -> int:
    """Restart the provisioner of this machine."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{_RESTART}", data=b"", headers={"X-API-Key": API_KEY}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10.0) as answer:  # noqa: S310 -- the loopback, written above
        return 0 if answer.status == HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
