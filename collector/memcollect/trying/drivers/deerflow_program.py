"""DeerFlow's own sandbox provider, asked by lines of JSON: one file, run in DeerFlow's environment.

    uv run --project DEERFLOW/backend python deerflow_program.py

The standard library alone, and `deerflow`. One request a line on stdin, one answer a line on stdout, in the
order in which they end; the first line of stdout is a greeting. Bytes are base64. Protocol 1:

    <- {"protocol": 1, "provider": "AioSandboxProvider", "users": true}
    -> {"id": 1, "do": "acquire", "key": K, "thread": T, "user": U}    <- {"id": 1, "name": N}
    -> {"id": 2, "do": "run", "key": K, "command": C, "env": {}, "limit": 3.0 or null}
                                             <- {"id": 2, "text": T}
    -> read: key, path, first, last          <- text
    -> write: key, path, text, append        <-
    -> put: key, path, data                  <-
    -> get: key, path                        <- data
    -> list: key, path, depth                <- paths
    -> glob: key, path, pattern, most        <- paths, truncated
    -> grep: key, path, pattern, literal, ignore_case, files, most
                                             <- matches: [[path, number, line], …], truncated
    -> release: key                          <-
    -> shutdown                              <-     every sandbox, by the provider's own shutdown
    <- {"id": 3, "error": KIND, "said": S}   KIND: not-found, denied, invalid, capacity, not-offered, refused

It ends with its stdin, and shuts the provider down. What a provider prints goes to stderr.
"""

import base64
import inspect
import json
import os
import sys
import threading
from typing import Any, TextIO

PROTOCOL = 1


class Asked:
    """The provider and the sandboxes that were taken, by our keys."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider
        self.users = "user_id" in inspect.signature(provider.acquire).parameters
        self._ids: dict[str, str] = {}

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do what is asked; return what came of it."""
        if asked["do"] == "acquire":
            return self._acquire(asked)
        if asked["do"] == "release":
            self.provider.release(self._ids.pop(asked["key"]))
            return {}
        if asked["do"] == "shutdown":
            return self.shutdown()
        return getattr(self, f"_{asked['do']}")(self._sandbox(asked["key"]), asked)  # type: ignore[no-any-return]

    def shutdown(self) -> dict[str, Any]:
        """Let the provider end all that it has, where it can."""
        end = getattr(self.provider, "shutdown", None)
        if end is not None:
            end()
        self._ids.clear()
        return {}

    def _acquire(self, asked: dict[str, Any]) -> dict[str, Any]:
        who = {"user_id": asked["user"]} if self.users and asked["user"] else {}
        self._ids[asked["key"]] = self.provider.acquire(asked["thread"], **who)
        self._sandbox(asked["key"])
        return {"name": self._ids[asked["key"]]}

    def _sandbox(self, key: str) -> Any:
        found = self.provider.get(self._ids[key]) if key in self._ids else None
        if found is None:
            raise FileNotFoundError(f"the provider knows no sandbox {key}")
        return found

    def _run(self, box: Any, asked: dict[str, Any]) -> dict[str, Any]:
        text = box.execute_command(asked["command"], env=asked["env"] or None, timeout=asked["limit"])
        return {"text": text}

    def _read(self, box: Any, asked: dict[str, Any]) -> dict[str, Any]:
        lines = {"start_line": asked["first"], "end_line": asked["last"]}
        return {"text": box.read_file(asked["path"], **{n: v for n, v in lines.items() if v is not None})}

    def _write(self, box: Any, asked: dict[str, Any]) -> dict[str, Any]:
        box.write_file(asked["path"], asked["text"], asked["append"])
        return {}

    def _put(self, box: Any, asked: dict[str, Any]) -> dict[str, Any]:
        box.update_file(asked["path"], base64.b64decode(asked["data"]))
        return {}

    def _get(self, box: Any, asked: dict[str, Any]) -> dict[str, Any]:
        return {"data": base64.b64encode(box.download_file(asked["path"])).decode()}

    def _list(self, box: Any, asked: dict[str, Any]) -> dict[str, Any]:
        return {"paths": list(box.list_dir(asked["path"], max_depth=asked["depth"]))}

    def _glob(self, box: Any, asked: dict[str, Any]) -> dict[str, Any]:
        paths, truncated = box.glob(asked["path"], asked["pattern"], max_results=asked["most"])
        return {"paths": list(paths), "truncated": truncated}

    def _grep(self, box: Any, asked: dict[str, Any]) -> dict[str, Any]:
        found, truncated = box.grep(
            asked["path"],
            asked["pattern"],
            glob=asked["files"] or None,
            literal=asked["literal"],
            case_sensitive=not asked["ignore_case"],
            max_results=asked["most"],
        )
        return {"matches": [[m.path, m.line_number, m.line] for m in found], "truncated": truncated}


def refusal(error: BaseException) -> dict[str, Any]:
    """Return an error as the protocol has it."""
    kinds = (
        (FileNotFoundError, "not-found"),
        (PermissionError, "denied"),
        ((ValueError, IsADirectoryError, NotADirectoryError), "invalid"),
        ((NotImplementedError, AttributeError), "not-offered"),
    )
    kind = next((word for classes, word in kinds if isinstance(error, classes)), "refused")
    if hasattr(error, "retry_after") or "capacity" in type(error).__name__.lower():
        kind = "capacity"
    return {"error": kind, "said": f"{type(error).__name__}: {error}"}


def serve(asked: Asked, lines: TextIO, out: TextIO) -> None:
    """Answer until the lines end; each request in a thread of its own, since agents run tools in parallel."""
    lock = threading.Lock()

    def say(document: dict[str, Any]) -> None:
        with lock:
            out.write(json.dumps(document) + "\n")
            out.flush()

    def do(request: dict[str, Any]) -> None:
        try:
            say({"id": request["id"], **asked.answer(request)})
        except Exception as error:  # noqa: BLE001 - whatever a provider raises is its answer
            say({"id": request["id"], **refusal(error)})

    say({"protocol": PROTOCOL, "provider": type(asked.provider).__name__, "users": asked.users})
    for line in lines:
        threading.Thread(target=do, args=(json.loads(line),), daemon=True).start()
    asked.shutdown()


def main() -> None:
    """Ask the configured provider."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a provider or its libraries print must not stand among the answers
    # Beside this file stands our own driver, which bears the package's name.
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib is not needed else
    sys.path[:] = [each for each in sys.path if os.path.abspath(each) != here]  # noqa: PTH100
    from deerflow.sandbox.sandbox_provider import get_sandbox_provider  # type: ignore[import-not-found] # noqa: PLC0415

    serve(Asked(get_sandbox_provider()), sys.stdin, out)


if __name__ == "__main__":
    main()
