"""A stand-in for E2B's interface, that of CubeSandbox too: the API that makes sandboxes, and envd in each.

Made after what the package `e2b` sends and reads (2.30 and 2.63): /sandboxes and /v2/sandboxes; envd's
process.Process/Start, a Connect stream of frames of JSON; filesystem.Filesystem; /files. Both are on one
port: point E2B_API_URL and E2B_SANDBOX_URL at it.
"""

import base64
import json
import secrets
import struct
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import Signals
from typing import Any

from memcollect.testing.sandboxes.machine import Machine
from memcollect.testing.sandboxes.serving import Answer, Request, of_json

HOME = "/home/user"
FAULTS = {
    "lost-exit-codes": "every command is told to have ended with 0",
    "lost-stderr": "what a command writes to stderr is dropped",
    "mangled-bytes": "an uploaded file is taken for UTF-8",
    "left-sandboxes": "a sandbox that is killed stays",
    "forgets-on-pause": "a paused sandbox comes back empty",
}
_DATA, _LAST = 0, 2
"""Flags of a frame of Connect."""
_MOST_MILLISECONDS = "connect-timeout-ms"
_FAR = timedelta(hours=1)
_NOBODY = {"code": 404, "message": "sandbox not found"}


@dataclass
class Sandbox:
    """One that was made."""

    name: str
    machine: Machine
    metadata: dict[str, str]
    template: str
    state: str = "running"
    began: datetime = field(default_factory=lambda: datetime.now(UTC))

    def told(self) -> dict[str, Any]:
        """Return what the API says of it."""
        return {
            "sandboxID": self.name,
            "clientID": "stand-in",
            "templateID": self.template,
            "alias": self.template,
            "envdVersion": "0.4.0",
            "domain": None,
            "metadata": self.metadata,
            "state": self.state,
            "startedAt": self.began.isoformat(),
            "endAt": (self.began + _FAR).isoformat(),
            "cpuCount": 1,
            "memoryMB": 512,
            "diskSizeMB": 512,
        }


class E2b:
    """The interface. `capacity` is how many sandboxes there may be; sandboxes are below `directory`."""

    def __init__(self, directory: Path, faults: frozenset[str] = frozenset(), capacity: int = 100) -> None:
        self.directory = directory
        self.faults = faults
        self.capacity = capacity
        self.there: dict[str, Sandbox] = {}
        self.asked: list[str] = []
        """Methods and paths, in their order."""
        self._lock = threading.Lock()
        self._envd: Mapping[str, Callable[[Machine, Request], Answer]] = {
            "/process.Process/Start": self._start,
            "/filesystem.Filesystem/ListDir": self._list,
            "/filesystem.Filesystem/Stat": self._stat,
            "/filesystem.Filesystem/MakeDir": self._make_directory,
            "/filesystem.Filesystem/Remove": self._remove,
            "/files": self._files,
        }

    def answer(self, request: Request) -> Answer:
        """Answer the API or, of the sandbox that a header or the host names, envd."""
        self.asked.append(f"{request.method} {request.path}")
        if request.path == "/health":
            return Answer(status=204)
        if request.path in self._envd:
            sandbox = self.there.get(_asked_of(request.headers))
            if sandbox is None or sandbox.state != "running":
                return of_json({"code": 502, "message": "The sandbox was not found"}, 502)
            return self._envd[request.path](sandbox.machine, request)
        words = [each for each in request.path.split("/") if each and each != "v2"]
        if not words or words[0] != "sandboxes":
            return of_json({"code": 404, "message": "not found"}, 404)
        if len(words) == 1:
            return self._create(request) if request.method == "POST" else self._listed(request)
        return self._one(request, words[1], words[2] if len(words) > 2 else "")

    def _create(self, request: Request) -> Answer:
        asked = request.json()
        with self._lock:
            if len(self.there) >= self.capacity:
                return of_json({"code": 429, "message": "no room for another sandbox"}, 429)
            name = f"i{secrets.token_hex(10)}"
            self.there[name] = made = Sandbox(
                name=name,
                machine=Machine(self.directory / name, (HOME,)),
                metadata=asked.get("metadata") or {},
                template=asked["templateID"],
            )
        return of_json(made.told(), 201)

    def _listed(self, request: Request) -> Answer:
        wanted = dict(urllib.parse.parse_qsl(request.query.get("metadata", "")))
        found = [each.told() for each in list(self.there.values()) if wanted.items() <= each.metadata.items()]
        return of_json(found)

    def _one(self, request: Request, name: str, what: str) -> Answer:
        sandbox = self.there.get(name)
        if sandbox is None:
            return of_json(_NOBODY, 404)
        if request.method == "DELETE":
            if "left-sandboxes" not in self.faults:
                if self.there.pop(name, None) is None:
                    return of_json(_NOBODY, 404)
                sandbox.machine.remove()
            return Answer(status=204)
        if what == "pause":
            sandbox.state = "paused"
            if "forgets-on-pause" in self.faults:
                sandbox.machine.remove()
            return Answer(status=204)
        if what in {"connect", "resume"}:
            resumed, sandbox.state = sandbox.state != "running", "running"
            sandbox.machine.path(HOME).mkdir(parents=True, exist_ok=True)
            return of_json(sandbox.told(), 201 if resumed else 200)
        return of_json(sandbox.told())

    def _start(self, machine: Machine, request: Request) -> Answer:
        """Run bash and tell of it in frames: it began, its outputs, its end."""
        asked = json.loads(request.body[5:])
        process = asked["process"]
        limit = float(request.headers.get(_MOST_MILLISECONDS, 0)) / 1000 or None
        line = process["args"][-1]
        ended = machine.run(line, process.get("envs"), limit, by="bash")
        frames = [_event("start", {"pid": 1})]
        for name, text in (("stdout", ended.stdout), ("stderr", ended.stderr)):
            if text and f"lost-{name}" not in self.faults:
                frames.append(_event("data", {name: base64.b64encode(text).decode()}))
        if ended.code is None:
            late = {"error": {"code": "deadline_exceeded", "message": "context deadline exceeded"}}
            return _stream([*frames, _frame(_LAST, late)])
        code = 0 if "lost-exit-codes" in self.faults else ended.code
        return _stream([*frames, _event("end", _end(code)), _frame(_LAST, {})])

    def _files(self, machine: Machine, request: Request) -> Answer:
        path = machine.path(request.query.get("path", ""))
        if request.method == "GET":
            if path.is_dir():
                return of_json({"code": 400, "message": f"path '{machine.name(path)}' is a directory"}, 400)
            if not path.is_file():
                return of_json({"code": 404, "message": f"path '{machine.name(path)}' does not exist"}, 404)
            return Answer(body=path.read_bytes(), content_type="application/octet-stream")
        data = request.body
        if "multipart" in request.headers.get("content-type", ""):
            data = request.files()[0][2]
        if "mangled-bytes" in self.faults:
            data = data.decode("utf-8", "replace").encode()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            return of_json({"code": 500, "message": f"error opening file: {error.strerror}"}, 500)
        return of_json([{"name": path.name, "type": "file", "path": machine.name(path)}])

    def _list(self, machine: Machine, request: Request) -> Answer:
        asked = request.json()
        root, depth = machine.path(asked["path"]), int(asked.get("depth") or 1)
        if not root.is_dir():
            return _unknown(asked["path"])
        found = [each for each in sorted(root.rglob("*")) if len(each.relative_to(root).parts) <= depth]
        return of_json({"entries": [_entry(machine, each) for each in found]})

    def _stat(self, machine: Machine, request: Request) -> Answer:
        asked = request.json()
        path = machine.path(asked["path"])
        return of_json({"entry": _entry(machine, path)}) if path.exists() else _unknown(asked["path"])

    def _make_directory(self, machine: Machine, request: Request) -> Answer:
        path = machine.path(request.json()["path"])
        if path.exists():
            return of_json({"code": "already_exists", "message": "directory already exists"}, 409)
        path.mkdir(parents=True)
        return of_json({"entry": _entry(machine, path)})

    def _remove(self, machine: Machine, request: Request) -> Answer:
        path = machine.path(request.json()["path"])
        Machine.remove(Machine(path, ())) if path.is_dir() else path.unlink(missing_ok=True)
        return of_json({})


def _unknown(path: str) -> Answer:
    return of_json({"code": "not_found", "message": f"path '{path}' does not exist"}, 404)


def _entry(machine: Machine, path: Path) -> dict[str, Any]:
    seen = path.lstat()
    kind = "FILE_TYPE_DIRECTORY" if path.is_dir() else "FILE_TYPE_FILE"
    return {
        "name": path.name,
        "type": kind,
        "path": machine.name(path),
        "size": str(seen.st_size),
        "mode": seen.st_mode & 0o777,
        "permissions": oct(seen.st_mode & 0o777),
        "owner": "user",
        "group": "user",
        "modifiedTime": datetime.fromtimestamp(seen.st_mtime, UTC).isoformat().replace("+00:00", "Z"),
    }


def _end(code: int) -> dict[str, Any]:
    """Return how envd tells an end: of a death by signal -1 and Go's words."""
    if code >= 0:
        return {"exitCode": code, "exited": True, "status": f"exit status {code}", "error": ""}
    word = {Signals.SIGKILL: "killed", Signals.SIGTERM: "terminated"}.get(Signals(-code), f"signal {-code}")
    return {"exitCode": -1, "exited": False, "status": f"signal: {word}", "error": f"signal: {word}"}


def _event(name: str, told: dict[str, Any]) -> bytes:
    return _frame(_DATA, {"event": {name: told}})


def _frame(flags: int, document: dict[str, Any]) -> bytes:
    data = json.dumps(document).encode()
    return struct.pack(">BI", flags, len(data)) + data


def _stream(frames: list[bytes]) -> Answer:
    return Answer(body=b"".join(frames), content_type="application/connect+json")


def _asked_of(headers: Mapping[str, str]) -> str:
    """Return the sandbox's name: of E2B's header, else of the host PORT-NAME.DOMAIN, as CubeSandbox asks."""
    return headers.get("e2b-sandbox-id") or headers.get("host", "").partition(".")[0].partition("-")[2]
