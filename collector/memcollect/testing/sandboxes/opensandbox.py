"""A stand-in for OpenSandbox's interface: the lifecycle API, and execd in each sandbox.

Made after what the package `opensandbox` 1.1.1 sends and reads: /v1/sandboxes with pause, resume and
endpoints; execd's /ping, /command as server-sent events, /files/{upload,download}, /directories/list.
execd of every sandbox is on the same port, below /sandboxes/ID/port/N, as behind OpenSandbox's own proxy.
"""

import json
import os
import secrets
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from memcollect.testing.sandboxes.machine import Machine
from memcollect.testing.sandboxes.serving import Answer, Request, of_json

HOME = "/mnt/user-data"
FAULTS = {
    "lost-exit-codes": "every command is told to have ended with 0",
    "mangled-bytes": "an uploaded file is taken for UTF-8",
    "left-sandboxes": "a sandbox that is killed stays",
}


@dataclass
class Sandbox:
    """One that was made."""

    name: str
    machine: Machine
    metadata: dict[str, str]
    image: str
    state: str = "Running"
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def told(self) -> dict[str, Any]:
        """Return what the API says of it."""
        return {
            "id": self.name,
            "status": {"state": self.state},
            "createdAt": self.began.isoformat(),
            "entrypoint": ["tail", "-f", "/dev/null"],
            "image": {"uri": self.image},
            "metadata": self.metadata,
        }


class OpenSandbox:
    """The interface. `capacity` is how many sandboxes there may be; `execd` is where theirs are reached."""

    def __init__(self, directory: Path, faults: frozenset[str] = frozenset(), capacity: int = 100) -> None:
        self.directory = directory
        self.faults = faults
        self.capacity = capacity
        self.execd = ""
        """HOST:PORT; "": where the API was asked."""
        self.there: dict[str, Sandbox] = {}
        self.on_made: Callable[[str], None] = lambda _name: None
        """Called with the id of each: in Kubernetes there is a pod then."""
        self.on_gone: Callable[[str], None] = lambda _name: None
        self._lock = threading.Lock()
        self._execd: Mapping[str, Callable[[Machine, Request], Answer]] = {
            "ping": lambda _machine, _request: Answer(),
            "command": self._command,
            "files/upload": self._upload,
            "files/download": _download,
            "directories/list": _list,
        }

    def answer(self, request: Request) -> Answer:
        """Answer the API, or execd below the path of a sandbox's port."""
        words = [each for each in request.path.split("/") if each and each != "v1"]
        if words[:1] != ["sandboxes"]:
            return _fault(404, "NOT_FOUND", "no such path")
        if len(words) == 1:
            return self._create(request) if request.method == "POST" else self._listed(request)
        sandbox = self.there.get(words[1])
        if sandbox is None:
            return _gone(words[1])
        if words[2:3] == ["port"]:
            do = self._execd.get("/".join(words[4:]))
            return do(sandbox.machine, request) if do else _fault(404, "NOT_FOUND", "no such path")
        return self._one(request, sandbox, words[2:])

    def _create(self, request: Request) -> Answer:
        asked = request.json()
        with self._lock:
            if len(self.there) >= self.capacity:
                return _fault(429, "CAPACITY", "no room for another sandbox")
            name = secrets.token_hex(16)
            self.there[name] = made = Sandbox(
                name=name,
                machine=Machine(self.directory / name, (HOME,)),
                metadata=asked.get("metadata") or {},
                image=asked["image"]["uri"],
            )
        self.on_made(name)
        return of_json(made.told(), 202)

    def _listed(self, request: Request) -> Answer:
        wanted = dict(urllib.parse.parse_qsl(request.query.get("metadata", "")))
        found = [each.told() for each in list(self.there.values()) if wanted.items() <= each.metadata.items()]
        page = {"page": 1, "pageSize": 100, "totalItems": len(found), "totalPages": 1, "hasNextPage": False}
        return of_json({"items": found, "pagination": page})

    def _one(self, request: Request, sandbox: Sandbox, what: list[str]) -> Answer:
        if request.method == "DELETE":
            if "left-sandboxes" not in self.faults:
                if self.there.pop(sandbox.name, None) is None:
                    return _gone(sandbox.name)
                sandbox.machine.remove()
                self.on_gone(sandbox.name)
            return Answer(status=204)
        if what[:1] == ["endpoints"]:
            host = self.execd or request.headers["host"]
            return of_json({"endpoint": f"{host}/sandboxes/{sandbox.name}/port/{what[1]}"})
        if what in (["pause"], ["resume"]):
            sandbox.state = "Paused" if what == ["pause"] else "Running"
            return Answer(status=202)
        return of_json(sandbox.told())

    def _command(self, machine: Machine, request: Request) -> Answer:
        """Run a line and tell of it in events: it began, its outputs, its error or its end."""
        asked = request.json()
        limit = asked["timeout"] / 1000 if asked.get("timeout") else None
        ended = machine.run(asked["command"], asked.get("envs"), limit)
        events: list[dict[str, Any]] = [{"type": "init", "text": secrets.token_hex(8)}]
        for name, text in (("stdout", ended.stdout), ("stderr", ended.stderr)):
            if text:
                events.append({"type": name, "text": text.decode("utf-8", "replace")})
        code = -1 if ended.code is None else ended.code if ended.code >= 0 else 128 - ended.code
        if code and "lost-exit-codes" not in self.faults:
            error = {"ename": "CommandExecError", "evalue": str(code), "traceback": [f"exit status {code}"]}
            events.append({"type": "error", "error": error})
        else:
            events.append({"type": "execution_complete", "execution_time": 1})
        now = int(time.time() * 1000)
        body = "".join(f"{json.dumps({**each, 'timestamp': now})}\n\n" for each in events)
        return Answer(body=body.encode(), content_type="text/event-stream")

    def _upload(self, machine: Machine, request: Request) -> Answer:
        parts = request.files()
        for (_, _, told), (_, _, data) in zip(parts[::2], parts[1::2], strict=True):
            path = machine.path(json.loads(told)["path"])
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                kept = data.decode("utf-8", "replace").encode() if "mangled-bytes" in self.faults else data
                path.write_bytes(kept)
            except OSError as error:
                return _fault(500, "RUNTIME_ERROR", f"error writing file: {error.strerror}")
        return Answer()


def _download(machine: Machine, request: Request) -> Answer:
    path = machine.path(request.query["path"])
    if path.is_dir():
        return _fault(400, "INVALID_FILE", "it is a directory")
    if not path.is_file():
        return _fault(404, "FILE_NOT_FOUND", f"file not found: {request.query['path']}")
    return Answer(body=path.read_bytes(), content_type="application/octet-stream")


def _list(machine: Machine, request: Request) -> Answer:
    root, depth = machine.path(request.query["path"]), int(request.query.get("depth", 1))
    if not root.is_dir():
        return _fault(404, "FILE_NOT_FOUND", f"no such directory: {request.query['path']}")
    found = [each for each in sorted(root.rglob("*")) if len(each.relative_to(root).parts) <= depth]
    return of_json([_entry(machine, each) for each in found])


def _entry(machine: Machine, path: Path) -> dict[str, Any]:
    seen = os.lstat(path)
    when = datetime.fromtimestamp(seen.st_mtime, UTC).isoformat()
    return {
        "path": machine.name(path),
        "size": seen.st_size,
        "modified_at": when,
        "created_at": when,
        "owner": "root",
        "group": "root",
        "mode": int(f"{seen.st_mode & 0o777:o}"),
        "type": "directory" if path.is_dir() else "file",
    }


def _gone(name: str) -> Answer:
    return _fault(404, "SANDBOX_NOT_FOUND", f"Sandbox {name} not found")


def _fault(status: int, code: str, message: str) -> Answer:
    return of_json({"code": code, "message": message}, status)
