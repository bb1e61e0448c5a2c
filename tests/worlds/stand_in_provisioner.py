"""An HTTP service that makes sandboxes as DeerFlow's does, and that can also release them."""

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

from memcollect.testing import PODS, objects
from worlds.profile_stage import NAMESPACE, Stage
from worlds.waiting import PATIENCE

API_KEY = "a-secret-of-the-test"


class Provisioner:
    """`asked` are the requests that were let in; `fresh_after_release` makes a new pod on reuse.

    Where `late`, a creation goes on until a deletion was answered, and only then makes the pod.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.asked: list[tuple[str, str]] = []
        self.fresh_after_release = False
        self.late = False
        self.release_status = 200
        self.deletion_answered = threading.Event()
        self.url = ""

    def create(self, sandbox: str) -> int:
        name = f"sandbox-{sandbox}"
        if self.late:
            assert self.deletion_answered.wait(PATIENCE)
        if name in self.stage.pods() and not self.fresh_after_release:
            return 200
        self.remove(sandbox)
        document: dict[str, Any] = objects.pod(NAMESPACE, name, containers=("sandbox",))
        self.stage.state.put(PODS, self.stage.state.admit(PODS, NAMESPACE, document))
        return 201

    def remove(self, sandbox: str) -> int:
        name = f"sandbox-{sandbox}"
        if name not in self.stage.pods():
            return 404
        self.stage.state.on_pod_deleted(self.stage.state.store.get(PODS, NAMESPACE, name).decoded())
        self.stage.state.remove(PODS, name, NAMESPACE)
        return 200


@contextlib.contextmanager
def provisioning(stage: Stage) -> Iterator[Provisioner]:
    """Serve a provisioner on the loopback."""
    provisioner = Provisioner(stage)

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 # the base class names it so
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or b"{}")
            released = self.path.endswith("/release")
            self._answer(provisioner.release_status if released else provisioner.create(body["sandbox_id"]))

        def do_DELETE(self) -> None:
            self._answer(provisioner.remove(self.path.rpartition("/")[2]))
            provisioner.deletion_answered.set()

        def parse_request(self) -> bool:
            if not super().parse_request():
                return False
            if self.headers.get("X-API-Key") == API_KEY:
                provisioner.asked.append((self.command, self.path))
                return True
            self._answer(401)
            return False

        def _answer(self, status: int) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        provisioner.url = f"http://127.0.0.1:{server.server_port}/api/sandboxes"
        try:
            yield provisioner
        finally:
            server.shutdown()
            thread.join()
