"""The protocol between memcollect and a program that asks a backend. The standard library alone.

One JSON request a line on stdin, one answer a line on stdout, in the order in which they end; the first line
of stdout is a greeting. Bytes are base64. Every request has `id`, `do`, and `seconds`: the time left for it.
Protocol 1:

    <- {"protocol": 1, "provider": "AioSandboxProvider"}   and where it is so: "users": true, it takes a user;
       "exits": true, commands tell how they ended; "deletes": true; "releases": false; "level": "api" instead
       of "provider"; "offers": [those it has of the operations below, and "lines" of read, "append" of write]
       "environment": {variables that its package has set, so that no secret of them is ever shown}
    -> acquire: key, thread, user            <- name; "prefix", "temp" where they are not "" and "/tmp";
                                                "pod": what its pod is called, where that is known
    -> run: key, command, env, limit: seconds or null
                                             <- text; stderr; code or signal or "timed_out": true
    -> read: key, path, first, last          <- text
    -> write: key, path, text, append        <-
    -> put: key, path, data                  <-
    -> get: key, path                        <- data
    -> list: key, path, depth                <- paths
    -> glob: key, path, pattern, most        <- paths, truncated
    -> grep: key, path, pattern, literal, ignore_case, files, most
                                             <- matches: [[path, number, line], …], truncated
    -> release: key                          <-
    -> destroy: key                          <-
    -> sweep: run                            <- paths: the names of what it has deleted of that run
    -> shutdown                              <-     every sandbox that it has
    <- {"id": 3, "error": KIND, "said": S}   KIND: as memcollect.evidence.port has them, or not-offered

A program ends with its stdin, and lets its backend end what it has. What a library prints goes to stderr.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

PROTOCOL = 1
OPERATIONS = (
    *("acquire", "run", "read", "write", "put", "get", "list", "glob", "grep"),
    *("release", "destroy", "sweep", "shutdown"),
)
_MOST_SAID = 2000
SHUTDOWN_SECONDS = 300.0
_LOOKS, _PAUSE_SECONDS = 50, 0.02
_SET_CHILD_SUBREAPER = 36
_LONGEST_CHAIN = 10
_STATUSES = {
    400: "invalid",
    401: "denied",
    403: "denied",
    404: "not-found",
    413: "too-large",
    422: "invalid",
    429: "capacity",
    503: "capacity",
    504: "timeout",
}
_WORDS = (
    ("ratelimit", "capacity"),
    ("capacity", "capacity"),
    ("notenoughspace", "capacity"),
    ("notfound", "not-found"),
    ("authentication", "denied"),
    ("permission", "denied"),
    ("invalidargument", "invalid"),
    ("timeout", "timeout"),
    ("decodeerror", "garbage"),
    ("validationerror", "garbage"),
    ("parseerror", "garbage"),
    ("unreadable", "garbage"),
    ("connect", "transport"),
    ("protocolerror", "transport"),
    ("readerror", "transport"),
    ("writeerror", "transport"),
    ("transport", "transport"),
)
"""In the names of errors and of what they are kinds of, in small letters; the first that fits."""


class Refused(Exception):  # noqa: N818 - it becomes an answer
    """An answer of a program's own: what it was, and the sentence."""

    def __init__(self, kind: str, said: str) -> None:
        super().__init__(said)
        self.kind = kind


def refusal(error: BaseException) -> dict[str, Any]:
    """Return an error of a package as the protocol has it; packages wrap what they meet, so causes count."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, Refused):
        return {"error": error.kind, "said": str(error)[:_MOST_SAID]}
    kinds = [kind for each in _causes(error) for kind in _kinds(each)]
    return {"error": kinds[0] if kinds else "refused", "said": said[:_MOST_SAID]}


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(_LONGEST_CHAIN):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _kinds(error: BaseException) -> Iterator[str]:
    if hasattr(error, "retry_after"):
        yield "capacity"
    for name in ("status_code", "status"):
        status = getattr(error, name, None)
        if isinstance(status, int) and status in _STATUSES:
            yield _STATUSES[status]
    names = [each.__name__.lower() for each in type(error).__mro__]
    yield from (kind for word, kind in _WORDS if any(word in name for name in names))
    if isinstance(error, IsADirectoryError | NotADirectoryError):
        yield "invalid"
    elif isinstance(error, OSError):
        yield "transport"
    elif isinstance(error, NotImplementedError):
        yield "not-offered"
    elif isinstance(error, ValueError):
        yield "invalid"
    elif isinstance(error, AttributeError | KeyError | TypeError | IndexError):
        # Of a package that has met another answer than it knows.
        yield "garbage"


def answered(backend: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Return what came of a request, which may be an error."""
    do = asked["do"]
    method = getattr(backend, do, None) if do in OPERATIONS else None
    if method is None:
        return {"id": asked["id"], "error": "not-offered", "said": f"there is no {do}"}
    try:
        return {"id": asked["id"], **(method(asked) or {})}
    except Exception as error:  # noqa: BLE001 - whatever a package raises is its answer
        return {"id": asked["id"], **getattr(backend, "refusal", refusal)(error)}


def delete_each(names: Iterable[str], delete: Callable[[str], object]) -> None:
    """Delete all. One that is gone meanwhile is no fault; any other error is raised once the rest is done.

    A package may delete by itself what did not become ready in time, in the same moment as we.
    """
    first: Exception | None = None
    for name in names:
        try:
            delete(name)
        except Exception as error:  # noqa: BLE001 - whatever a package raises must not keep the rest
            if refusal(error)["error"] != "not-found":
                first = first or error
    if first is not None:
        raise first


def serve(backend: Any, greeting: Mapping[str, Any], lines: TextIO, out: TextIO) -> None:
    """Answer until the lines end; each request in a thread of its own, since agents run tools in parallel."""
    lock = threading.Lock()

    def say(document: Mapping[str, Any]) -> None:
        with lock, contextlib.suppress(BrokenPipeError):
            out.write(json.dumps(document) + "\n")
            out.flush()

    def do(request: dict[str, Any]) -> None:
        say(answered(backend, request))

    say({"protocol": PROTOCOL, **greeting})
    for line in lines:
        threading.Thread(target=do, args=(json.loads(line),), daemon=True).start()
    # Whoever asked may be gone, and would not end what hangs.
    end = {"id": 0, "do": "shutdown", "seconds": SHUTDOWN_SECONDS}
    ending = threading.Thread(target=answered, args=(backend, end), daemon=True)
    ending.start()
    ending.join(SHUTDOWN_SECONDS)


def keep_orphans() -> None:
    """Let what a command of ours leaves behind stay below this process: prctl(2), PR_SET_CHILD_SUBREAPER."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_below(pid: int) -> None:
    """Kill what a process of this machine has started, and what came of that; one that cannot die is left."""
    for _ in range(_LOOKS):
        found = _below(pid)
        if not found:
            return
        for each in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        time.sleep(_PAUSE_SECONDS)


def _below(pid: int) -> list[int]:
    """Return the processes that live and descend from one; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    for each in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            state, parent = each.read_text(errors="replace").rpartition(")")[2].split()[:2]
            if state not in {"Z", "X"}:
                children.setdefault(int(parent), []).append(int(each.parent.name))
    found = list(children.get(pid, []))
    for one in found:
        found += children.get(one, [])
    return found


def own_stdout() -> TextIO:
    """Return stdout for answers alone: what a package prints goes to stderr."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return out


def told() -> dict[str, Any]:
    """Return what the program was given: "run", and of the plan "api", "template", "namespace", "prefix"."""
    return json.loads(sys.argv[1])  # type: ignore[no-any-return]


def lacking(package: str, extra: str, error: ImportError) -> str:
    """Return the sentence for an environment without the package."""
    return (
        f"the package {package} is not in the environment of {sys.executable} ({error}): "
        f"install memcollect[{extra}] there, or name a Python that has it in evidence.command"
    )
