"""A stand-in for what of DeerFlow's gateway uploads and artifacts go through, on real directories."""

import http.server
import json
import mimetypes
import re
import shutil
import threading
import urllib.parse
from collections.abc import Callable, Collection
from pathlib import Path, PurePosixPath
from typing import Any, Self

FAULTS = {
    "artifacts-at-release": "no artifact is served before its sandbox is released or deleted",
    "inline-html": "HTML and SVG are shown in the gateway's own origin",
    "open-traversal": "a path with .. leads out of the user's data",
    "uploads-at-creation": "what is uploaded later than the sandbox's creation does not come into it",
    "no-ranges": "a range is answered with the whole",
}
MOST_FILES, MOST_BYTES, MOST_BYTES_IN_ALL = 10, 50 << 20, 100 << 20
USER_DATA = "mnt/user-data/"
_ACTIVE = ("text/html", "image/svg+xml", "application/xhtml+xml")
_THREADS = "/api/threads"
_THREAD = re.compile(r"/api/threads/([A-Za-z0-9_.-]{1,128})(?:/(uploads|artifacts)(?:/(.*))?)?")

Places = Callable[[str], Path]
"""Where the data of a thread is: the directory that its sandboxes see as /mnt/user-data."""


class Gateway:
    """A context manager that serves on the loopback.

    `runs` tells whether a thread's sandbox runs just now; `held_back` gets what "uploads-at-creation" keeps
    from it, a directory that is as `places` would be.
    """

    def __init__(
        self,
        places: Places,
        faults: Collection[str] = (),
        runs: Callable[[str], bool] = lambda _thread: False,
        held_back: Places | None = None,
        port: int = 0,
    ) -> None:
        gateway = self
        self.places, self.faults, self.runs = places, frozenset(faults), runs
        self.held_back = held_back or places
        self._threads: set[str] = set()

        class Handler(_Handler):
            state = gateway

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="gateway", daemon=True
        )

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def answer(
        self, method: str, target: str, headers: Any, body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Return what a request is answered with."""
        path = urllib.parse.urlsplit(target).path
        if path == _THREADS and method == "POST":
            return self._begin(body)
        found = _THREAD.fullmatch(path)
        if found is None:
            return _json(404, {"detail": "Not Found"})
        thread, what, rest = found[1], found[2], urllib.parse.unquote(found[3] or "")
        if what is None and method == "DELETE":
            return self._end(thread)
        if what == "artifacts" and method == "GET":
            return self._artifact(thread, rest, headers.get("Range", ""))
        if what == "uploads":
            return self._of_uploads(method, thread, rest, (headers.get("Content-Type", ""), body))
        return _NOT_ALLOWED

    def _of_uploads(
        self, method: str, thread: str, name: str, sent: tuple[str, bytes]
    ) -> tuple[int, dict[str, str], bytes]:
        if method == "POST" and not name:
            return self._upload(thread, *sent)
        if method == "GET" and name == "list":
            names = sorted({p.name for p in self._uploads(thread).glob("*") if p.is_file()})
            return _json(200, {"files": [{"filename": name} for name in names], "count": len(names)})
        if method == "DELETE":
            return self._delete(thread, name) if thread in self._threads else _unknown(thread)
        return _NOT_ALLOWED

    def _begin(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        thread = json.loads(body)["thread_id"]
        self._threads.add(thread)
        return _json(200, {"thread_id": thread, "status": "idle", "metadata": {}})

    def _end(self, thread: str) -> tuple[int, dict[str, str], bytes]:
        if thread not in self._threads:
            return _unknown(thread)
        self._threads.discard(thread)
        for place in (self.places(thread), self.held_back(thread)):
            shutil.rmtree(place, ignore_errors=True)
        return _json(200, {"success": True, "message": f"Deleted local thread data for {thread}"})

    def _uploads(self, thread: str) -> Path:
        late = "uploads-at-creation" in self.faults and self.runs(thread)
        return (self.held_back if late else self.places)(thread) / "uploads"

    def _upload(self, thread: str, content_type: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        files = _files(content_type, body)
        if len(files) > MOST_FILES:
            return _json(413, {"detail": "Too many files"})
        if (
            any(len(data) > MOST_BYTES for _, data in files)
            or sum(len(d) for _, d in files) > MOST_BYTES_IN_ALL
        ):
            return _json(413, {"detail": "File too large"})
        folder = self._uploads(thread)
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files:
            safe = PurePosixPath(name.replace("\\", "/")).name
            if safe in ("", ".", ".."):
                return _json(400, {"detail": "Unsafe filename"})
            (folder / safe).write_bytes(data)
        return _json(
            200, {"success": True, "files": [{"filename": PurePosixPath(name).name} for name, _ in files]}
        )

    def _delete(self, thread: str, name: str) -> tuple[int, dict[str, str], bytes]:
        if "/" in name or name in ("", ".", ".."):
            return _json(400, {"detail": "Invalid path"})
        path = self._uploads(thread) / name
        if not path.is_file():
            return _json(404, {"detail": "File not found"})
        path.unlink()
        return _json(200, {"success": True})

    def _artifact(self, thread: str, path: str, wanted: str) -> tuple[int, dict[str, str], bytes]:
        if not path.startswith(USER_DATA):
            return _json(400, {"detail": "Invalid path"})
        root = self.places(thread)
        file = root / path.removeprefix(USER_DATA)
        inside = file.resolve().is_relative_to(root.resolve())
        if not inside and "open-traversal" not in self.faults:
            return _json(403, {"detail": "Access denied: path traversal detected"})
        if inside and "artifacts-at-release" in self.faults and self.runs(thread):
            return _json(404, {"detail": f"Artifact not found: {path}"})
        if not file.is_file():
            return _json(404, {"detail": f"Artifact not found: {path}"})
        return self._served(file, wanted)

    def _served(self, file: Path, wanted: str) -> tuple[int, dict[str, str], bytes]:
        data = file.read_bytes()
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        headers = {"Content-Type": kind, "Accept-Ranges": "bytes"}
        if kind in _ACTIVE and "inline-html" not in self.faults:
            name = urllib.parse.quote(file.name)
            headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"
        found = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
        if found is None or "no-ranges" in self.faults:
            return 200, headers, data
        first = int(found[1])
        last = min(int(found[2] or len(data) - 1), len(data) - 1)
        if first > last:
            return 416, {"Content-Range": f"bytes */{len(data)}"}, b""
        return 206, {**headers, "Content-Range": f"bytes {first}-{last}/{len(data)}"}, data[first : last + 1]


class _Handler(http.server.BaseHTTPRequestHandler):
    state: Gateway
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, headers, data = self.state.answer(self.command, self.path, self.headers, body)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815 - http.server's names


def _files(content_type: str, body: bytes) -> list[tuple[str, bytes]]:
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    files = []
    for part in body.split(b"--" + boundary)[1:-1] if boundary else []:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'filename="((?:[^"\\]|\\.)*)"', head)
        if name is not None:
            files.append((name[1].decode("utf-8", "replace"), content[:-2]))
    return files


def _json(status: int, document: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(document).encode()


def _unknown(thread: str) -> tuple[int, dict[str, str], bytes]:
    return _json(404, {"detail": f"Thread {thread} not found"})


_NOT_ALLOWED = _json(405, {"detail": "Method Not Allowed"})
