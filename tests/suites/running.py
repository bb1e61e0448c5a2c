"""Runs suites: each in a process group of its own, its words in a file, nothing of it left at the end."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from suites.plan import Lane, Suite
from suites.results import Result, cases_of, judged

ROOT = Path(__file__).parents[2]
FETCH_SECONDS = 600.0
_ENDING_SECONDS = 10.0

Said = Callable[[str], None]


class Runner:
    """Runs lanes of suites at the same time; `say` gets a line when one begins and when it ends."""

    def __init__(self, logs: Path, say: Said, root: Path = ROOT) -> None:
        self._logs = logs
        self._say = say
        self._root = root
        self._lock = threading.Lock()
        self._fetching = threading.Lock()
        self._running: list[subprocess.Popen[bytes]] = []
        self._stopped = False

    def run(self, lanes: Sequence[Lane]) -> list[Result]:
        """Run all; a suite that fails keeps no other from running. Raises what ends the program, having
        ended every suite.
        """
        found: dict[str, Result] = {}
        threads = [threading.Thread(target=self._lane, args=(lane, found), daemon=True) for lane in lanes]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            self.stop()
        return [found[suite.name] for lane in lanes for suite in lane if suite.name in found]

    def stop(self) -> None:
        """End whatever runs, and begin nothing more."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for process in running:
            _end(process)

    def log(self, suite: str) -> Path:
        """Return the file with all that a suite wrote."""
        return self._logs / f"{suite.replace(' ', '-')}.log"

    def _lane(self, lane: Lane, found: dict[str, Result]) -> None:
        for suite in lane:
            if self._stopped:
                return
            self._say(f"{suite.name}: begun; its words go to {self.log(suite.name)}")
            found[suite.name] = result = self._suite(suite)
            self._say(f"{suite.name}: {result.verdict} after {result.seconds:.0f} s")

    def _suite(self, suite: Suite) -> Result:
        began = time.monotonic()
        with self.log(suite.name).open("wb") as log:
            if suite.kernel is not None and (fault := self._fetch(suite.kernel, log)):
                return Result(suite=suite.name, seconds=time.monotonic() - began, cases=[], fault=fault)
            report = self.log(suite.name).with_suffix(".xml")
            report.unlink(missing_ok=True)
            options = [
                "-q",
                "-ra",
                "--durations=10",
                "-o",
                "junit_duration_report=total",
                f"--junitxml={report}",
            ]
            command = [sys.executable, "-m", "pytest", *options, *suite.arguments]
            code = self._program(command, suite.environment, suite.limit_seconds, log.fileno())
        seconds = time.monotonic() - began
        if code is None:
            fault = f"ended after {suite.limit_seconds:.0f} s"
            return Result(suite=suite.name, seconds=seconds, cases=[], fault=fault, hung=True)
        return judged(suite.name, seconds, code, cases_of(report))

    def _fetch(self, version: str, log: IO[bytes]) -> str:
        """Return why the kernel cannot be had, empty where it can."""
        with self._fetching:
            command = [sys.executable, "-m", "memcollect.lab.kernels", "fetch", version]
            code = self._program(command, {}, FETCH_SECONDS, log.fileno())
        return "" if code == 0 else f"Linux {version} could not be had: {_last_line(log)}"

    def _program(
        self, command: list[str], environment: dict[str, str], seconds: float, log: int
    ) -> int | None:
        """Return its exit code, None where its time was over."""
        with self._lock:
            if self._stopped:
                return None
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._root,
                env={**os.environ, **environment},
                start_new_session=True,
            )
            self._running.append(process)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _end(process)
            self._running.remove(process)


def _last_line(log: IO[bytes]) -> str:
    lines = Path(log.name).read_text(errors="replace").splitlines()
    return lines[-1] if lines else "it took too long"


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End its group, by force where that takes too long; what it has left behind, too."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_ENDING_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
