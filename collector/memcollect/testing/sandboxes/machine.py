"""What is behind the stand-ins of others' interfaces: a directory as a sandbox, and real processes."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from msgspec import Struct


class Ended(Struct, frozen=True, kw_only=True):
    """How a command ended."""

    stdout: bytes
    stderr: bytes
    code: int | None = None
    """None: it was killed at its limit. A negative one is minus the signal, as Python's subprocess has it."""


class Machine:
    """A sandbox's files below `root`. Its `homes` ("/home/user", "/mnt/user-data") are directories there.

    In commands and in what they print these names stand for the directories, so that a sandbox needs no
    kernel feature of its own: it is a stand-in, and no protection.
    """

    def __init__(self, root: Path, homes: tuple[str, ...]) -> None:
        self.root = root
        self.homes = homes
        for home in homes:
            self.path(home).mkdir(parents=True, exist_ok=True)
        self._inward = re.compile("|".join(rf"(?<![\w.-]){re.escape(home)}(?![\w.-])" for home in homes))

    def path(self, name: str) -> Path:
        """Return where a file of the sandbox is; a name without a slash is below the first home."""
        whole = Path(self.homes[0]) / name
        inside = any(whole.is_relative_to(home) for home in self.homes)
        return self.root / whole.relative_to("/") if inside else whole

    def name(self, path: Path) -> str:
        """Return what a file is called in the sandbox."""
        return f"/{path.relative_to(self.root)}" if path.is_relative_to(self.root) else str(path)

    def run(
        self, line: str, env: dict[str, str] | None = None, limit: float | None = None, by: str = "sh"
    ) -> Ended:
        """Run a line of shell in a session of its own; at the limit all of that is killed."""
        process = subprocess.Popen(  # noqa: S603 - running what it is told is its purpose
            [by, "-c", self._inward.sub(lambda found: f"{self.root}{found[0]}", line)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.path(self.homes[0]),
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        try:
            stdout, stderr = process.communicate(timeout=limit)
            code: int | None = process.returncode
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            (stdout, stderr), code = process.communicate(), None
        return Ended(stdout=self._outward(stdout), stderr=self._outward(stderr), code=code)

    def remove(self) -> None:
        """Take its files away."""
        shutil.rmtree(self.root, ignore_errors=True)

    def _outward(self, text: bytes) -> bytes:
        return text.replace(str(self.root).encode() + b"/", b"/")
