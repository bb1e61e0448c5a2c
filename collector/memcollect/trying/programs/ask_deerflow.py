"""DeerFlow's own sandbox provider, asked by lines of JSON: run in DeerFlow's environment.

    uv run --project DEERFLOW/backend python ask_deerflow.py

The standard library alone, and `deerflow`; the protocol is that of `speaking`, beside it.
"""

import base64
import inspect
import os
import re
import sys
from typing import Any

from speaking import end_below, keep_orphans, own_stdout, refusal, serve  # type: ignore[import-not-found]


class Asked:
    """The provider and the sandboxes that were taken, by our keys."""

    def __init__(self, provider: Any) -> None:
        self.provider = provider
        self.users = "user_id" in inspect.signature(provider.acquire).parameters
        self._ids: dict[str, str] = {}

    def release(self, asked: dict[str, Any]) -> None:
        """Give a sandbox back; one that could not be had is not there to give."""
        name = self._ids.pop(asked["key"], None)
        if name is not None:
            self.provider.release(name)

    def shutdown(self, _asked: dict[str, Any]) -> None:
        """Let the provider end all that it has, where it can."""
        end = getattr(self.provider, "shutdown", None)
        if end is not None:
            end()
        self._ids.clear()

    def acquire(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Take the thread's sandbox."""
        who = {"user_id": asked["user"]} if self.users and asked["user"] else {}
        self._ids[asked["key"]] = self.provider.acquire(asked["thread"], **who)
        self._sandbox(asked)
        return {"name": self._ids[asked["key"]]}

    def _sandbox(self, asked: dict[str, Any]) -> Any:
        key = asked["key"]
        found = self.provider.get(self._ids[key]) if key in self._ids else None
        if found is None:
            raise FileNotFoundError(f"the provider knows no sandbox {key}")
        return found

    def run(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Run a line of shell."""
        box = self._sandbox(asked)
        text = box.execute_command(asked["command"], env=asked["env"] or None, timeout=asked["limit"])
        return {"text": text}

    def read(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return text."""
        box = self._sandbox(asked)
        lines = {"start_line": asked["first"], "end_line": asked["last"]}
        return {"text": box.read_file(asked["path"], **{n: v for n, v in lines.items() if v is not None})}

    def write(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Write text."""
        box = self._sandbox(asked)
        box.write_file(asked["path"], asked["text"], asked["append"])
        return {}

    def put(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Write bytes."""
        box = self._sandbox(asked)
        box.update_file(asked["path"], base64.b64decode(asked["data"]))
        return {}

    def get(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return bytes."""
        box = self._sandbox(asked)
        return {"data": base64.b64encode(box.download_file(asked["path"])).decode()}

    def list(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return what is below a directory."""
        box = self._sandbox(asked)
        return {"paths": list(box.list_dir(asked["path"], max_depth=asked["depth"]))}

    def glob(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return files."""
        box = self._sandbox(asked)
        paths, truncated = box.glob(asked["path"], asked["pattern"], max_results=asked["most"])
        return {"paths": list(paths), "truncated": truncated}

    def grep(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Return lines."""
        box = self._sandbox(asked)
        found, truncated = box.grep(
            asked["path"],
            asked["pattern"],
            glob=asked["files"] or None,
            literal=asked["literal"],
            case_sensitive=not asked["ignore_case"],
            max_results=asked["most"],
        )
        return {"matches": [[m.path, m.line_number, m.line] for m in found], "truncated": truncated}

    @staticmethod
    def refusal(error: BaseException) -> dict[str, Any]:
        """Return an error by the contract's own classes; one that a provider lacks is not offered."""
        kinds = (
            (FileNotFoundError, "not-found"),
            (PermissionError, "denied"),
            ((ValueError, IsADirectoryError, NotADirectoryError), "invalid"),
            ((NotImplementedError, AttributeError), "not-offered"),
        )
        told: dict[str, Any] = refusal(error)
        if told["error"] != "capacity":
            told["error"] = next((word for classes, word in kinds if isinstance(error, classes)), "refused")
        return told


ADOPTING = ("_reconcile_orphans", "_reconcile_remote_sandboxes")
"""What DeerFlow's own providers call at their start and every minute; they tell it by nothing public."""
HARMLESS = frozenset({"LocalSandboxProvider", "TenkiSandboxProvider"})
"""DeerFlow's own that take only what they have made."""
_WORDS = re.compile(r"orphan|reconcil|adopt", re.IGNORECASE)


class UnguardedError(Exception):
    """A provider that cannot be kept from other people's sandboxes."""


def keep_to_its_own(module: Any) -> None:
    """Let no provider take a sandbox that was there before it, as some do at their start and every minute.

    They mean what another process of theirs has left, and cannot tell that from what it still uses. It would
    be counted among the replicas, and end with the run. Raises UnguardedError, and so later does a provider's
    resolution, where DeerFlow is built otherwise than this program knows it.
    """
    resolve = getattr(module, "resolve_class", None)
    if resolve is None:
        raise UnguardedError(_unguarded("deerflow.sandbox.sandbox_provider has no resolve_class"))

    def kept(*asked: Any, **more: Any) -> Any:
        kind = resolve(*asked, **more)
        guard(kind)
        return kind

    module.resolve_class = kept


def guard(kind: type[Any]) -> None:
    """Take the methods by which it adopts from a provider. Raises UnguardedError where it has none."""
    own = kind.__module__.partition(".")[0] == "deerflow"
    known = [name for name in ADOPTING if hasattr(kind, name)]
    for name in known:
        setattr(kind, name, lambda _provider, **_more: None)
    if known or (own and kind.__name__ in HARMLESS):
        return
    suspect = sorted(name for name in dir(kind) if _WORDS.search(name))
    if own or suspect:
        has = f", but {', '.join(suspect)}" if suspect else ""
        raise UnguardedError(_unguarded(f"its {kind.__name__} has no {' and no '.join(ADOPTING)}{has}"))


def _unguarded(why: str) -> str:
    return (
        "this DeerFlow's provider cannot be kept from sandboxes that others still use, so it is not started: "
        f"{why}"
    )


def main() -> None:
    """Ask the configured provider; a local one runs commands on this machine, which end with it."""
    out, before = own_stdout(), dict(os.environ)
    keep_orphans()
    from deerflow.sandbox import sandbox_provider  # type: ignore[import-not-found] # noqa: PLC0415

    try:
        keep_to_its_own(sandbox_provider)
        provider = sandbox_provider.get_sandbox_provider()
    except UnguardedError as error:
        sys.exit(str(error))
    asked = Asked(provider)
    set_since = {name: value for name, value in os.environ.items() if before.get(name) != value}
    greeting = {"provider": type(provider).__name__, "users": asked.users, "environment": set_since}
    serve(asked, greeting, sys.stdin, out)
    end_below(os.getpid())


if __name__ == "__main__":
    main()
