"""OpenSandbox's interface through its own package, asked by lines of JSON.

    PYTHON ask_opensandbox.py '{"run": "mc-…", "api": "http://HOST:PORT", "template": "IMAGE", "prefix": ""}'

The standard library and `opensandbox`; the protocol is that of `speaking`, beside it. The package itself
reads OPEN_SANDBOX_API_KEY and OPEN_SANDBOX_DOMAIN.
"""

import base64
import logging
import sys
import time
from datetime import timedelta
from typing import Any

from speaking import Refused, delete_each, lacking, own_stdout, serve, told  # type: ignore[import-not-found]

OFFERS = ("run", "read", "write", "put", "get", "list")
_RUN, _KEY = "memcollect-run", "memcollect-key"
_LIVES = timedelta(hours=1)
"""What is left of a run after a crash ends by itself."""
_ANSWER = timedelta(minutes=5)
_PAGE = 100
_MOST_PAGES = 1000
_MODE = 644
"""Octal, in decimal digits, as the package has it."""


class Asked:
    """The package, and the sandboxes that were taken, by our keys."""

    def __init__(self, package: Any, options: dict[str, Any]) -> None:
        self._package = package
        self._run = options["run"]
        self._image = options["template"]
        self._prefix = options["prefix"]
        self._to: dict[str, Any] = {"request_timeout": _ANSWER, "disable_metrics": True}
        if options["api"]:
            scheme = options["api"].partition("://")[0]
            self._to |= {"domain": options["api"].rstrip("/"), "protocol": scheme}
        self._boxes: dict[str, Any] = {}
        self._paused: set[str] = set()

    def acquire(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Make a sandbox, or resume the paused one of that key."""
        key, within = asked["key"], timedelta(seconds=asked["seconds"])
        if key in self._boxes:
            self._boxes[key] = self._package.SandboxSync.resume(
                self._boxes[key].id, connection_config=self._config(), resume_timeout=within
            )
        else:
            self._boxes[key] = self._package.SandboxSync.create(
                self._image,
                timeout=_LIVES,
                ready_timeout=within,
                metadata={_RUN: self._run, _KEY: key},
                connection_config=self._config(),
            )
        self._paused.discard(key)
        return {"name": self._boxes[key].id, "prefix": self._prefix}

    def release(self, asked: dict[str, Any]) -> None:
        """Pause it: what OpenSandbox has for a sandbox that nobody uses."""
        self._box(asked).pause()
        self._paused.add(asked["key"])

    def destroy(self, asked: dict[str, Any]) -> None:
        """Kill it; one that is gone already is no fault."""
        box = self._boxes.get(asked["key"])
        if box is not None:
            delete_each([box.id], lambda _name: box.kill())
            self._boxes.pop(asked["key"], None)

    def sweep(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Kill every sandbox that bears the run's name."""
        names = []
        with self._package.SandboxManagerSync.create(connection_config=self._config()) as manager:
            for page in range(1, _MOST_PAGES):
                wanted = self._package.SandboxFilter(
                    metadata={_RUN: asked["run"]}, page=page, page_size=_PAGE
                )
                found = manager.list_sandbox_infos(wanted)
                names += [each.id for each in found.sandbox_infos if each.metadata.get(_RUN) == asked["run"]]
                if not found.pagination.has_next_page:
                    break
            delete_each(names, manager.kill_sandbox)
        self._boxes = {key: box for key, box in self._boxes.items() if box.id not in names}
        return {"paths": names}

    def shutdown(self, _asked: dict[str, Any]) -> None:
        """Kill all that is there, known by a key or not: one may have been made after its time was over."""
        self.sweep({"run": self._run})

    def run(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Run a line of shell."""
        limit, began = asked["limit"], time.monotonic()
        options = self._package.RunCommandOpts(
            envs=asked["env"] or None, timeout=None if limit is None else timedelta(seconds=limit)
        )
        done = self._box(asked).commands.run(asked["command"], opts=options)
        answer: dict[str, Any] = {"text": _text(done.logs.stdout), "stderr": _text(done.logs.stderr)}
        code = done.exit_code
        if code is not None and code >= 0:
            return {**answer, "code": code}
        # Of an end at the limit, as of one by a signal, there is no exit code that tells.
        late = limit is not None and time.monotonic() - began >= limit
        return {**answer, "timed_out": True} if late else answer

    def read(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return text."""
        return {"text": self._box(asked).files.read_file(asked["path"])}

    def write(self, asked: dict[str, Any]) -> None:
        """Write text."""
        self._box(asked).files.write_file(asked["path"], asked["text"], mode=_MODE)

    def put(self, asked: dict[str, Any]) -> None:
        """Write bytes."""
        data = base64.b64decode(asked["data"])
        self._box(asked).files.write_file(asked["path"], data, mode=_MODE)

    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return bytes."""
        return {"data": base64.b64encode(self._box(asked).files.read_bytes(asked["path"])).decode()}

    def list(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return what is below a directory."""
        wanted = self._package.DirectoryListEntry(path=asked["path"], depth=asked["depth"])
        return {"paths": [each.path for each in self._box(asked).files.list_directory(wanted)]}

    def _config(self) -> Any:
        return self._package.ConnectionConfigSync(**self._to)

    def _box(self, asked: dict[str, Any]) -> Any:
        key = asked["key"]
        if key not in self._boxes or key in self._paused:
            raise Refused("not-found", f"there is no sandbox {key}")
        return self._boxes[key]


def _text(messages: Any) -> str:
    """Return a stream's events as one text: old servers send lines without their ends, newer ones with."""
    text = ""
    for each in messages:
        between = text and each.text and text[-1] not in "\r\n" and each.text[0] not in "\r\n"
        text += ("\n" if between else "") + each.text
    return text


class _Package:
    """The names of the package that are used, from where it has them."""

    def __init__(self) -> None:
        from opensandbox.config.connection_sync import ConnectionConfigSync  # type: ignore[import-not-found] # noqa: PLC0415
        from opensandbox.models.execd import RunCommandOpts  # type: ignore[import-not-found] # noqa: PLC0415
        from opensandbox.models.filesystem import DirectoryListEntry  # type: ignore[import-not-found] # noqa: PLC0415
        from opensandbox.models.sandboxes import SandboxFilter  # type: ignore[import-not-found] # noqa: PLC0415
        from opensandbox.sync.manager import SandboxManagerSync  # type: ignore[import-not-found] # noqa: PLC0415
        from opensandbox.sync.sandbox import SandboxSync  # type: ignore[import-not-found] # noqa: PLC0415

        self.ConnectionConfigSync = ConnectionConfigSync
        self.RunCommandOpts = RunCommandOpts
        self.DirectoryListEntry = DirectoryListEntry
        self.SandboxFilter = SandboxFilter
        self.SandboxManagerSync = SandboxManagerSync
        self.SandboxSync = SandboxSync


def main() -> None:
    """Ask OpenSandbox."""
    out, options = own_stdout(), told()
    if not options["template"]:
        sys.exit("evidence.template is missing: the image that its sandboxes are made from")
    try:
        package = _Package()
    except ImportError as error:
        sys.exit(lacking("opensandbox", "opensandbox", error))
    # It logs every error that it raises, too.
    logging.getLogger("opensandbox").setLevel(logging.CRITICAL)
    greeting = {"provider": "opensandbox", "exits": True, "deletes": True, "level": "api", "offers": OFFERS}
    serve(Asked(package, options), greeting, sys.stdin, out)


if __name__ == "__main__":
    main()
