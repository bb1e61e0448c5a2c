"""E2B's interface through its own package, asked by lines of JSON: of E2B, of CubeSandbox, of one's own.

    PYTHON ask_e2b.py '{"run": "mc-…", "api": "", "template": "", "prefix": "/home/user"}'

The standard library and `e2b`; the protocol is that of `speaking`, beside it. The package itself reads
E2B_API_KEY, E2B_API_URL, E2B_SANDBOX_URL, E2B_DOMAIN and E2B_VALIDATE_API_KEY.
"""

import base64
import signal
import sys
import time
from typing import Any

from speaking import Refused, delete_each, lacking, own_stdout, serve, told  # type: ignore[import-not-found]

OFFERS = ("run", "read", "write", "put", "get", "list")
_RUN, _KEY = "memcollect-run", "memcollect-key"
_LIVES_SECONDS = 3600
"""What is left of a run after a crash ends by itself."""


class Asked:
    """The package, and the sandboxes that were taken, by our keys."""

    def __init__(self, package: Any, options: dict[str, Any]) -> None:
        self._package = package
        self._run = options["run"]
        self._template = options["template"] or None
        self._prefix = options["prefix"]
        self._to: dict[str, Any] = {"api_url": options["api"]} if options["api"] else {}
        self._boxes: dict[str, Any] = {}
        self._paused: set[str] = set()

    def acquire(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Make a sandbox, or resume the paused one of that key."""
        key = asked["key"]
        to = {**self._to, "request_timeout": asked["seconds"]}
        if key in self._boxes:
            name = self._boxes[key].sandbox_id
            self._boxes[key] = self._package.Sandbox.connect(name, timeout=_LIVES_SECONDS, **to)
        else:
            whose = {_RUN: self._run, _KEY: key, "thread": asked["thread"], "user": asked["user"]}
            self._boxes[key] = self._package.Sandbox.create(
                template=self._template, timeout=_LIVES_SECONDS, metadata=whose, **to
            )
        self._paused.discard(key)
        return {"name": self._boxes[key].sandbox_id, "prefix": self._prefix}

    def release(self, asked: dict[str, Any]) -> None:
        """Pause it: what E2B has for a sandbox that nobody uses."""
        self._box(asked).pause(request_timeout=asked["seconds"])
        self._paused.add(asked["key"])

    def destroy(self, asked: dict[str, Any]) -> None:
        """Kill it; one that is gone already is no fault."""
        box = self._boxes.get(asked["key"])
        if box is not None:
            delete_each([box.sandbox_id], lambda _name: box.kill(request_timeout=asked["seconds"]))
            self._boxes.pop(asked["key"], None)

    def sweep(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Kill every sandbox that bears the run's name."""
        to = {**self._to, "request_timeout": asked["seconds"]}
        query = self._package.SandboxQuery(metadata={_RUN: asked["run"]})
        pages, names = self._package.Sandbox.list(query=query, **to), []
        while pages.has_next:
            found = pages.next_items()
            names += [each.sandbox_id for each in found if each.metadata.get(_RUN) == asked["run"]]
        delete_each(names, lambda name: self._package.Sandbox.kill(name, **to))
        self._boxes = {key: box for key, box in self._boxes.items() if box.sandbox_id not in names}
        return {"paths": names}

    def shutdown(self, asked: dict[str, Any]) -> None:
        """Kill all that is there, known by a key or not: one may have been made after its time was over."""
        self.sweep({"run": self._run, "seconds": asked["seconds"]})

    def run(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Run a line of shell; how it ended is in the package's error where it did not end with 0."""
        box, limit, began = self._box(asked), asked["limit"], time.monotonic()
        within = {} if limit is None else {"timeout": limit}
        try:
            done = box.commands.run(
                asked["command"], envs=asked["env"] or None, request_timeout=asked["seconds"], **within
            )
        except self._package.CommandExitException as ended:
            done = ended
        except self._package.TimeoutException:
            if limit is not None and time.monotonic() - began >= 0.9 * limit:
                return {"timed_out": True}
            raise
        return {"text": done.stdout, "stderr": done.stderr, **_end(done)}

    def read(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return text."""
        return {"text": self._box(asked).files.read(asked["path"], request_timeout=asked["seconds"])}

    def write(self, asked: dict[str, Any]) -> None:
        """Write text."""
        self._box(asked).files.write(asked["path"], asked["text"], request_timeout=asked["seconds"])

    def put(self, asked: dict[str, Any]) -> None:
        """Write bytes."""
        data = base64.b64decode(asked["data"])
        self._box(asked).files.write(asked["path"], data, request_timeout=asked["seconds"])

    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return bytes."""
        data = self._box(asked).files.read(asked["path"], format="bytes", request_timeout=asked["seconds"])
        return {"data": base64.b64encode(data).decode()}

    def list(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return what is below a directory."""
        found = self._box(asked).files.list(
            asked["path"], depth=asked["depth"], request_timeout=asked["seconds"]
        )
        return {"paths": [each.path for each in found]}

    def _box(self, asked: dict[str, Any]) -> Any:
        key = asked["key"]
        if key not in self._boxes or key in self._paused:
            raise Refused("not-found", f"there is no sandbox {key}")
        return self._boxes[key]


def _end(done: Any) -> dict[str, int]:
    """Return how a command ended: envd tells -1 and "signal: killed" of a death by signal."""
    word = (done.error or "").removeprefix("signal: ")
    number = next((each for each in signal.Signals if signal.strsignal(each).lower() == word.lower()), None)  # type: ignore[union-attr]
    if done.exit_code < 0 and number is not None:
        return {"signal": int(number)}
    return {"code": done.exit_code}


def main() -> None:
    """Ask E2B."""
    out, options = own_stdout(), told()
    try:
        import e2b  # type: ignore[import-not-found] # noqa: PLC0415
    except ImportError as error:
        sys.exit(lacking("e2b", "e2b", error))
    greeting = {
        "provider": f"e2b {getattr(e2b, '__version__', '')}".strip(),
        "users": False,
        "exits": True,
        "deletes": True,
        "releases": hasattr(e2b.Sandbox, "pause"),
        "level": "api",
        "offers": OFFERS,
    }
    serve(Asked(e2b, options), greeting, sys.stdin, out)


if __name__ == "__main__":
    main()
