"""A provider by DeerFlow's contract, like its local one: user data below $FAKE_DEERFLOW, commands by sh."""

import fnmatch
import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

VIRTUAL = "/mnt/user-data"


@dataclass
class Found:
    path: str
    line_number: int
    line: str


class Sandbox:
    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("workspace", "uploads", "outputs"):
            (root / name).mkdir(parents=True, exist_ok=True)

    def _real(self, path: str) -> Path:
        return Path(path.replace(VIRTUAL, str(self.root)))

    def _virtual(self, path: Path) -> str:
        return str(path).replace(str(self.root), VIRTUAL)

    def execute_command(
        self, command: str, env: dict[str, str] | None = None, timeout: float | None = None
    ) -> str:
        _misbehave(os.environ.get("FAKE_DEERFLOW_WAY", ""))
        words = ["sh", "-c", command.replace(VIRTUAL, str(self.root))]
        try:
            done = subprocess.run(  # noqa: TID251 # it runs where there are no helpers, and has a limit
                words,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout or 600,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return f"Command timed out after {timeout} seconds"
        text = done.stdout.decode("utf-8", "replace")
        if done.stderr:
            text += f"\nStd Error:\n{done.stderr.decode('utf-8', 'replace')}"
        if done.returncode:
            text += f"\nExit Code: {done.returncode}"
        return text.replace(str(self.root), VIRTUAL)

    def read_file(self, path: str, start_line: int | None = None, end_line: int | None = None) -> str:
        lines = self._real(path).read_bytes().decode("utf-8", "replace").splitlines(keepends=True)
        return "".join(lines[(start_line or 1) - 1 : end_line])

    def download_file(self, path: str) -> bytes:
        return self._real(path).read_bytes()

    def list_dir(self, path: str, max_depth: int = 2) -> list[str]:
        root = self._real(path)
        if not root.is_dir():
            raise FileNotFoundError(path)
        deep = [each for each in root.rglob("*") if len(each.relative_to(root).parts) <= max_depth]
        return sorted(map(self._virtual, deep))

    def write_file(self, path: str, content: str, append: bool = False) -> None:  # noqa: FBT001, FBT002 # theirs
        self._real(path).parent.mkdir(parents=True, exist_ok=True)
        with self._real(path).open("a" if append else "w", encoding="utf-8") as stream:
            stream.write(content)

    def update_file(self, path: str, content: bytes) -> None:
        self._real(path).parent.mkdir(parents=True, exist_ok=True)
        self._real(path).write_bytes(content)

    def glob(
        self, path: str, pattern: str, *, include_dirs: bool = False, max_results: int = 200
    ) -> tuple[list[str], bool]:
        found = [each for each in self._real(path).glob(pattern) if include_dirs or each.is_file()]
        shown = sorted(map(self._virtual, found))
        return shown[:max_results], len(shown) > max_results

    def grep(  # noqa: PLR0913 # theirs
        self,
        path: str,
        pattern: str,
        *,
        glob: str | None = None,
        literal: bool = False,
        case_sensitive: bool = False,
        max_results: int = 100,
    ) -> tuple[list[Found], bool]:
        wanted = re.compile(
            re.escape(pattern) if literal else pattern, 0 if case_sensitive else re.IGNORECASE
        )
        found = []
        for file in sorted(each for each in self._real(path).rglob("*") if each.is_file()):
            data = file.read_bytes()
            if b"\0" in data or (glob and not fnmatch.fnmatch(file.name, glob)):
                continue
            lines = data.decode("utf-8", "replace").splitlines()
            found += [
                Found(self._virtual(file), n, line) for n, line in enumerate(lines, 1) if wanted.search(line)
            ]
        return found[:max_results], len(found) > max_results


def _misbehave(way: str) -> None:
    if way == "hangs":
        threading.Event().wait()
    if way == "dies":
        os._exit(7)
    if way == "html":
        raise ValueError("no JSON but '<!doctype html><h1>502 Bad Gateway</h1>'")
    if way == "drops":
        raise ConnectionResetError(104, "Connection reset by peer")
    if way == "garbage":
        os.write(1, b"\x00\xff no line of ours\n")
        raise RuntimeError("\x1b[2J garbage \x00")


class AdoptingNothing:
    def __init__(self) -> None:
        self.root = Path(os.environ["FAKE_DEERFLOW"])
        self.there: dict[str, Sandbox] = {}
        self.adopted: list[Path] = []
        self.begin()

    def begin(self) -> None:
        pass

    def take_what_is_there(self) -> None:
        """Take it for what a process before it has left, as DeerFlow's own do, and end it with the rest."""
        self.adopted = list(self.root.glob("running-*"))

    def acquire(self, thread_id: str | None = None, *, user_id: str | None = None) -> str:
        print("a provider may print")  # noqa: T201 # it must not stand among the answers
        if (thread_id or "").endswith("full"):
            raise CapacityError("3 of 3 sandboxes are taken")
        name = f"{user_id}-{thread_id}"
        self.there[name] = Sandbox(self.root / name)
        return name

    def get(self, sandbox_id: str) -> Sandbox | None:
        return self.there.get(sandbox_id)

    def release(self, sandbox_id: str) -> None:
        self.there.pop(sandbox_id)

    def shutdown(self) -> None:
        if os.environ.get("FAKE_DEERFLOW_WAY") == "stays":
            threading.Event().wait()
        for each in self.adopted:
            each.rmdir()
        (self.root / "shut-down").touch()


class FakeProvider(AdoptingNothing):
    def begin(self) -> None:
        self._reconcile_orphans()

    def _reconcile_orphans(self) -> None:
        self.take_what_is_there()


class RemoteProvider(AdoptingNothing):
    """Adopts by the method that the one of a remote service has."""

    def begin(self) -> None:
        self._reconcile_remote_sandboxes(now=None)

    def _reconcile_remote_sandboxes(self, *, now: float | None = None) -> None:
        del now
        self.take_what_is_there()


class RenamedProvider(AdoptingNothing):
    """Adopts by a name that nobody has told us."""

    def begin(self) -> None:
        self._pick_up_strays()

    def _pick_up_strays(self) -> None:
        self.take_what_is_there()


class SomebodysProvider(AdoptingNothing):
    __module__ = "somebodys.provider"


class SomebodysAdoptingProvider(RenamedProvider):
    __module__ = "somebodys.provider"

    def begin(self) -> None:
        self._adopt_strays()

    def _adopt_strays(self) -> None:
        self.take_what_is_there()


class CapacityError(Exception):
    retry_after = 5


def get_sandbox_provider() -> AdoptingNothing:
    if os.environ.get("FAKE_DEERFLOW_WAY") == "never-begins":
        threading.Event().wait()
    if os.environ.get("FAKE_DEERFLOW_BROKEN"):
        sys.exit("config.yaml is missing")
    own = Path(os.environ["FAKE_DEERFLOW"]) / "variables.json"
    if own.exists():
        os.environ.update(json.loads(own.read_bytes()))
    return resolve_class()()


_SHAPES = {
    "remote": RemoteProvider,
    "renamed": RenamedProvider,
    "somebodys": SomebodysProvider,
    "somebodys-adopting": SomebodysAdoptingProvider,
}
_SHAPE = os.environ.get("FAKE_DEERFLOW_SHAPE", "")


def resolve_class() -> type[AdoptingNothing]:
    return _SHAPES.get(_SHAPE, FakeProvider)


if _SHAPE == "resolved-otherwise":
    _resolved_otherwise = resolve_class
    del resolve_class
