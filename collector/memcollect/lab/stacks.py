"""What every process does, told where nothing has been heard for long: so a hang explains itself."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

SILENT_SECONDS = 600.0
VARIABLE = "MEMCOLLECT_LAB_STACKS"
_HOOK = f"""import faulthandler, os, signal
faulthandler.register(signal.SIGUSR1, file=open(os.environ[{VARIABLE!r}], "ab"))
"""
_WRITTEN_SECONDS, _LOOK_SECONDS = 2.0, 0.05
_MOST_CHARACTERS = 160
_CAUGHT = "SigCgt:"
Say = Callable[[str], None]


def prepare(directory: Path) -> Path:
    """Let each Python started from now on write its stacks at SIGUSR1; return the file that they go to."""
    hook, file = directory / "hook", directory / "stacks"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(_HOOK)
    file.touch()
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(hook), *([before] if before else [])])
    os.environ[VARIABLE] = str(file)
    return file


def account(pids: Iterable[int], file: Path) -> Iterator[str]:
    """Yield a line for each process that lives, and after it its stacks where it can write them."""
    for pid in pids:
        proc = Path("/proc", str(pid))
        with suppress(OSError):
            text = (proc / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            words = " ".join(text.split())
            if words:
                yield f"{pid} {_state(proc)}: {words[:_MOST_CHARACTERS]}"
                yield from (f"    {line}" for line in _stacks(pid, proc, file))


def everybody() -> list[int]:
    """Return all processes."""
    return sorted(int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit())


class Watch:
    """A context manager; `heard` passes lines on, and where none comes for long all processes are told of."""

    def __init__(
        self,
        say: Say,
        file: Path,
        silent_seconds: float = SILENT_SECONDS,
        whose: Callable[[], list[int]] = everybody,
    ) -> None:
        self._say = say
        self._file = file
        self._seconds = silent_seconds
        self._whose = whose
        self._heard = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._watch, name="silence", daemon=True)

    def heard(self, line: str) -> None:
        """Pass a line on."""
        self._heard.set()
        self._say(line)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = True
        self._heard.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended:
            if self._heard.wait(self._seconds):
                self._heard.clear()
                continue
            self._say(f"nothing was heard for {self._seconds:.0f} s; what the processes do:")
            for line in account(self._whose(), self._file):
                self._say(line)


def _state(proc: Path) -> str:
    state = (proc / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
    with suppress(OSError):
        return f"{state} in {(proc / 'wchan').read_text() or '?'}"
    return state


def _stacks(pid: int, proc: Path, file: Path) -> list[str]:
    """Return a process's stacks; none of one that would die of the question."""
    if not _listens(proc, file):
        return []
    before = file.stat().st_size
    os.kill(pid, signal.SIGUSR1)
    until = time.monotonic() + _WRITTEN_SECONDS
    size = before
    while time.monotonic() < until and (size == before or file.stat().st_size != size):
        size = file.stat().st_size
        time.sleep(_LOOK_SECONDS)
    return file.read_bytes()[before:].decode("utf-8", "replace").splitlines()


def _listens(proc: Path, file: Path) -> bool:
    caught = next(
        line.split()[1] for line in (proc / "status").read_text().splitlines() if line.startswith(_CAUGHT)
    )
    ours = f"{VARIABLE}={file}".encode() in (proc / "environ").read_bytes().split(b"\0")
    return ours and bool(int(caught, 16) >> (signal.SIGUSR1 - 1) & 1)
