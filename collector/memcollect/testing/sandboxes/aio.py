"""A stand-in for the AIO sandbox's HTTP interface: one file, the standard library alone, run in a sandbox.

    python3 -I -S aio.py [--address A] [--port N] [--home DIRECTORY] [--fault NAME]…

Serves on the loopback, unless told otherwise, and prints its port. Commands are real processes in sessions
of their own; files are real ones. Its interface is that of openapi 1.9.4: /v1/sandbox, /v1/bash/exec,
/v1/shell/exec, /v1/file/*.
"""

import argparse
import base64
import contextlib
import fnmatch
import glob
import http.server
import json
import os
import re
import signal
import socketserver
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

FAULTS = {
    "lost-exit-codes": "every command is told to have ended with 0",
    "kept-timed-out": "a command past its time is answered for, and left running",
    "silent-cut": "long output is cut, and nothing says so",
    "lost-stderr": "what a command writes to stderr is dropped",
    "kept-environment": "a variable of one call is there in the next",
    "environment-on-command-line": "variables are set by env(1), where everybody can read them",
    "mangled-bytes": "an uploaded file is taken for UTF-8",
    "overwriting-append": "appending to a file that begins with Error: overwrites it",
    "empty-for-missing": "a missing file reads as an empty one",
    "silent-glob": "a list of files is cut, and nothing says so",
}
DEFAULT_HARD_SECONDS = 600.0
CUT_CHARACTERS = 50_000
_SNIFFED_BYTES = 8192


class FileFault(Exception):  # noqa: N818 - it becomes the interface's FileOperationError
    """An error of a file, as the interface tells it."""

    def __init__(self, error: OSError, path: str, operation: str) -> None:
        super().__init__(error.strerror or str(error))
        self.data = {
            "path": path,
            "operation": operation,
            "message": f"{error.strerror}: {path}" if error.strerror else str(error),
            "error_type": type(error).__name__,
            "errno": error.errno,
            "retryable": False,
        }


class Sandbox:
    """What is behind the interface."""

    def __init__(self, faults: frozenset[str], home: str) -> None:
        self.faults = faults
        self.home = home
        self._kept: dict[str, str] = {}
        self.killed = 0

    def bash(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Run a command, its two outputs apart."""
        status, code, out, err = self._run(asked)
        cut = asked.get("max_output_length") or CUT_CHARACTERS
        ids = {
            "session_id": "s",
            "command_id": "c",
            "command": asked["command"],
            "offset": 0,
            "stderr_offset": 0,
        }
        texts = {"stdout": self._cut(out, cut), "stderr": self._cut(err, cut)}
        names = {"hard_timeout": "timed_out"}
        return {**ids, "status": names.get(status, status), **texts, "exit_code": code}

    def shell(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Run a command, its outputs in one text."""
        status, code, out, err = self._run(asked)
        text = self._cut(out + err, 30_000) if asked.get("truncate", True) else out + err
        return {
            "session_id": "s",
            "command": asked["command"],
            "status": status,
            "output": text,
            "exit_code": code,
        }

    def _run(self, asked: dict[str, Any]) -> tuple[str, int | None, str, str]:
        given = {str(name): str(value) for name, value in (asked.get("env") or {}).items()}
        arguments = ["sh", "-c", asked["command"]]
        environment = {**os.environ, **self._kept, **given}
        if "kept-environment" in self.faults:
            self._kept |= given
        if "environment-on-command-line" in self.faults and given:
            pairs = [f"{name}={value}" for name, value in given.items()]
            # env replaces itself, so a shell that stays is put around it.
            arguments = ["sh", "-c", '"$@"; exit $?', "sh", "env", *pairs, *arguments]
        process = subprocess.Popen(  # noqa: S603 - running what it is told is its purpose
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=asked.get("exec_dir") or self.home,
            env=environment,
            start_new_session=True,
        )
        return self._ended(process, asked.get("hard_timeout") or DEFAULT_HARD_SECONDS)

    def _ended(self, process: "subprocess.Popen[bytes]", seconds: float) -> tuple[str, int | None, str, str]:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as late:
            if "kept-timed-out" in self.faults:
                threading.Thread(target=process.communicate, daemon=True).start()
                return "hard_timeout", None, _text(late.stdout or b""), _text(late.stderr or b"")
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            return "hard_timeout", None, _text(out), self._err(err)
        code = 0 if "lost-exit-codes" in self.faults else process.returncode
        # A shell's convention for a death by signal.
        return "completed", 128 - code if code < 0 else code, _text(out), self._err(err)

    def _err(self, err: bytes) -> str:
        return "" if "lost-stderr" in self.faults else _text(err)

    def _cut(self, text: str, most: int) -> str:
        if len(text) <= most:
            return text
        notice = "" if "silent-cut" in self.faults else f"\n[output truncated: {len(text)} characters]"
        return text[:most] + notice

    def read(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return a text file; lines are counted from 0, the last is not included."""
        path = asked["file"]
        try:
            with open(path, encoding="utf-8", errors="replace", newline="") as stream:  # noqa: PTH123
                text = stream.read()
        except FileNotFoundError as error:
            if "empty-for-missing" in self.faults:
                return {"content": "", "file": path}
            raise FileFault(error, path, "read") from error
        except OSError as error:
            raise FileFault(error, path, "read") from error
        first, last = asked.get("start_line"), asked.get("end_line")
        if first is not None or last is not None:
            text = "".join(text.splitlines(keepends=True)[first or 0 : last])
        return {"content": text, "file": path}

    def write(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Write or append text."""
        path, data = asked["file"], _content(asked)
        append = bool(asked.get("append"))
        try:
            if append and "overwriting-append" in self.faults and os.path.exists(path):  # noqa: PTH110
                with open(path, "rb") as stream:  # noqa: PTH123
                    append = stream.read(6) != b"Error:"
            self._store(path, data, "ab" if append else "wb")
        except OSError as error:
            raise FileFault(error, path, "write") from error
        return {"file": path, "bytes_written": len(data)}

    def upload(self, path: str, data: bytes | memoryview) -> dict[str, Any]:
        """Write bytes."""
        if "mangled-bytes" in self.faults:
            data = bytes(data).decode("utf-8", "replace").encode()
        try:
            self._store(path, data, "wb")
        except OSError as error:
            raise FileFault(error, path, "upload") from error
        return {"file_path": path, "file_size": len(data), "success": True}

    @staticmethod
    def _store(path: str, data: bytes | memoryview, mode: str) -> None:
        os.makedirs(os.path.dirname(path) or "/", exist_ok=True)  # noqa: PTH103, PTH120
        with open(path, mode) as stream:  # noqa: PTH123
            stream.write(data)

    def list(self, asked: dict[str, Any]) -> dict[str, Any]:
        """List a directory."""
        root = asked["path"]
        if not os.path.isdir(root):  # noqa: PTH112
            raise FileFault(FileNotFoundError(2, "No such file or directory"), root, "list")
        depth = (asked.get("max_depth") or 100) if asked.get("recursive") else 1
        files = []
        for folder, folders, names in os.walk(root):
            level = 0 if folder == root else os.path.relpath(folder, root).count("/") + 1
            for name in sorted((*folders, *names)):
                path = os.path.join(folder, name)  # noqa: PTH118
                files.append({"name": name, "path": path, "is_directory": os.path.isdir(path)})  # noqa: PTH112
            if level + 1 >= depth:
                folders.clear()
        return {"path": root, "files": files, "total_count": len(files)}

    def glob(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Find files."""
        root, most = asked["path"], asked.get("max_results") or 5000
        found = sorted(glob.glob(asked["pattern"], root_dir=root, recursive=True))  # noqa: PTH207
        paths = [os.path.join(root, each) for each in found]  # noqa: PTH118
        files = [{"path": p, "name": os.path.basename(p)} for p in paths if os.path.isfile(p)]  # noqa: PTH113, PTH119
        cut = len(files) > most and "silent-glob" not in self.faults
        return {
            "path": root,
            "pattern": asked["pattern"],
            "files": files[:most],
            "total_count": len(files),
            "truncated": cut,
        }

    def find(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Find files as `glob` does, all of them, and tell their paths alone."""
        found = self.glob({"path": asked["path"], "pattern": asked["glob"], "max_results": sys.maxsize})
        return {"path": asked["path"], "files": [each["path"] for each in found["files"]]}

    def grep(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Search."""
        root, text = asked["path"], asked["pattern"]
        flags = re.IGNORECASE if asked.get("case_insensitive") else 0
        try:
            wanted = re.compile(re.escape(text) if asked.get("fixed_strings") else text, flags)
        except re.error as error:
            raise FileFault(OSError(22, f"bad pattern: {error}"), root, "grep") from error
        matches, most = [], asked.get("max_results") or 500
        for folder, folders, names in os.walk(root):
            folders.sort()
            for name in sorted(names):
                if asked.get("include") and not any(fnmatch.fnmatch(name, each) for each in asked["include"]):
                    continue
                matches += _matching(os.path.join(folder, name), wanted)  # noqa: PTH118
        cut = len(matches) > most
        kept = matches[:most]
        return {"path": root, "pattern": text, "matches": kept, "match_count": len(kept), "truncated": cut}


def _matching(path: str, wanted: "re.Pattern[str]") -> list[dict[str, Any]]:
    with open(path, "rb") as stream:  # noqa: PTH123
        data = stream.read()
    if b"\0" in data[:_SNIFFED_BYTES]:
        return []
    lines = data.decode("utf-8", "replace").splitlines()
    return [
        {"file": path, "line_number": number, "line_content": line}
        for number, line in enumerate(lines, 1)
        if wanted.search(line)
    ]


def _content(asked: dict[str, Any]) -> bytes:
    text: str = asked["content"]
    return base64.b64decode(text, validate=True) if asked.get("encoding") == "base64" else text.encode()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection; the server it belongs to has `sandbox`."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""

    def do_GET(self) -> None:
        """Tell what it is, or give a file."""
        parts = urllib.parse.urlsplit(self.path)
        if parts.path in ("/", "/v1/sandbox"):
            sandbox = self.server.sandbox  # type: ignore[attr-defined]
            told = {"success": True, "message": "", "home_dir": sandbox.home, "version": "1.9.4"}
            system = {"os": "", "os_version": "", "arch": "", "user": "", "home_dir": sandbox.home,
                      "workspace": sandbox.home, "timezone": "", "occupied_ports": []}  # fmt: skip
            return self._json(
                200,
                {**told, "detail": {"system": system, "runtime": {"python": [], "nodejs": []}, "utils": []}},
            )
        if parts.path != "/v1/file/download":
            return self._json(404, {"detail": "Not Found"})
        path = urllib.parse.parse_qs(parts.query).get("path", [""])[0]
        try:
            with open(path, "rb") as stream:  # noqa: PTH123
                data = stream.read()
        except OSError as error:
            return self._json(404 if error.errno == 2 else 403, {"detail": str(error)})
        return self._answer(200, data, "application/octet-stream")

    def do_POST(self) -> None:
        """Do an operation."""
        sandbox = self.server.sandbox  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        operations = {
            "/v1/bash/exec": sandbox.bash,
            "/v1/shell/exec": sandbox.shell,
            "/v1/file/read": sandbox.read,
            "/v1/file/write": sandbox.write,
            "/v1/file/list": sandbox.list,
            "/v1/file/find": sandbox.find,
            "/v1/file/glob": sandbox.glob,
            "/v1/file/grep": sandbox.grep,
        }
        try:
            if self.path == "/v1/file/upload":
                data = sandbox.upload(*parts_of(body, self.headers.get("Content-Type", "")))
            elif self.path in operations:
                data = operations[self.path](json.loads(body))
            else:
                return self._json(404, {"detail": "Not Found"})
        except FileFault as fault:
            return self._json(200, {"success": False, "message": str(fault), "data": fault.data})
        except (KeyError, ValueError, TypeError) as error:
            return self._json(422, {"detail": repr(error)})
        except OSError as error:
            return self._json(200, {"success": False, "message": str(error), "data": None})
        return self._json(200, {"success": True, "message": "Operation successful", "data": data})

    def _json(self, status: int, document: dict[str, Any]) -> None:
        self._answer(status, json.dumps(document).encode(), "application/json")

    def _answer(self, status: int, data: bytes, content_type: str) -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)


def _each_part(body: bytes, boundary: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """Yield head and content of each part; none is copied, as a sandbox has little memory for large files."""
    view, at = memoryview(body), body.find(boundary)
    while (end := body.find(boundary, at + len(boundary))) != -1:
        head = body.find(b"\r\n\r\n", at, end)
        if head != -1:
            yield body[at:head], view[head + 4 : end - 2]
        at = end


def parts_of(body: bytes, content_type: str) -> tuple[str, bytes | memoryview]:
    """Return the path and the bytes of an upload: multipart/form-data with `path` and `file`."""
    boundary = content_type.partition("boundary=")[2].strip('"').encode()
    if not boundary:
        raise ValueError("no boundary")
    path, data, name = None, None, ""
    for head, content in _each_part(body, b"--" + boundary):
        found = re.search(rb'name="([^"]*)"', head)
        if found is not None and found[1] == b"path":
            path = bytes(content).decode()
        elif found is not None and found[1] == b"file":
            data = content
            file_name = re.search(rb'filename="([^"]*)"', head)
            name = file_name[1].decode() if file_name else ""
    if data is None:
        raise ValueError("no file")
    return path or f"/tmp/{name}", data  # noqa: S108 - as the interface does


class Server(http.server.ThreadingHTTPServer):
    """Serves one sandbox."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, sandbox: Sandbox, port: int = 0, address: str = "127.0.0.1") -> None:
        """Listen."""
        self.sandbox = sandbox
        super().__init__((address, port), Handler)

    def server_bind(self) -> None:
        """Bind without looking the address up."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of clients that leave in the middle."""


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--home", default="/")
    parser.add_argument("--fault", action="append", default=[], choices=[*FAULTS, "none"])
    options = parser.parse_args()
    server = Server(Sandbox(frozenset(options.fault), options.home), options.port, options.address)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever(0.5)


if __name__ == "__main__":
    main()
