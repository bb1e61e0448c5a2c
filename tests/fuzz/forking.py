"""Targets under atheris, each in a fork: what they import is made to be followed once, which takes seconds.

atheris needs Python's own bytecode, so a release of it knows only the Pythons that were there before it.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from fuzz import scratch
from fuzz.results import Result, judged
from fuzz.target import Target

FOLLOWED = ("memcollect", "memcollect_agent")
HANG_SECONDS = 20
"""For one input, on a machine that is busy: what takes so long is a fault."""
MOST_MIB = 1024
GRACE_SECONDS = 120.0
"""Beyond its time, for what libFuzzer does not count: its begin, and the seeds."""


class Run(Struct, frozen=True, kw_only=True):
    """How much is tried of each target."""

    folder: Path
    """Where logs, and inputs with a fault, are left."""
    inputs: int
    seconds: float


class _Child(Struct, frozen=True):
    target: Target
    pid: int
    began: float
    log: Path


def unavailable() -> str | None:
    """Return in a sentence why there is no fuzzing here; None where there is."""
    if find_spec("atheris") is not None:
        return None
    version = ".".join(map(str, sys.version_info[:2]))
    return (
        f"atheris is not installed: it has no wheel for Python {version} here (pyproject.toml says for which)"
    )


def instrumented() -> Mapping[str, Target]:
    """Return all targets, with the code of ours that they import made to tell where it has been."""
    import atheris  # noqa: PLC0415 - not there for every Python

    with atheris.instrument_imports(include=list(FOLLOWED)):
        from fuzz import targets  # noqa: PLC0415 - what is imported here is followed
    return targets.TARGETS


def fuzzed(targets: Sequence[Target], run: Run, jobs: int) -> Iterator[Result]:
    """Yield what came of each, as they end; at most `jobs` run at once."""
    with scratch.made():
        yield from _fuzzed(targets, run, jobs)


def _fuzzed(targets: Sequence[Target], run: Run, jobs: int) -> Iterator[Result]:
    left, running = list(targets), dict[int, _Child]()
    try:
        while left or running:
            while left and len(running) < jobs:
                child = _begun(left.pop(0), run)
                running[child.pid] = child
            for child in list(running.values()):
                if (result := _ended(child, run)) is not None:
                    del running[child.pid]
                    yield result
            time.sleep(0.05)
    finally:
        for child in running.values():
            os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)


def _begun(target: Target, run: Run) -> _Child:
    folder = run.folder / target.name
    (folder / "seeds").mkdir(parents=True)
    (folder / "corpus").mkdir()
    for number, seed in enumerate(target.seeds()):
        (folder / "seeds" / str(number)).write_bytes(seed)
    log = folder / "log"
    pid = os.fork()
    if pid == 0:
        _fuzz(target, run, folder, log)
    return _Child(target, pid, time.monotonic(), log)


def _fuzz(target: Target, run: Run, folder: Path, log: Path) -> None:
    """Do it, in the fork: this does not return."""
    try:
        import atheris  # noqa: PLC0415 - not there for every Python

        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        for stream in (1, 2):
            os.dup2(descriptor, stream)
        options = {
            "runs": run.inputs,
            "max_total_time": max(1, round(run.seconds)),
            "max_len": target.most_bytes,
            "timeout": HANG_SECONDS,
            "rss_limit_mb": MOST_MIB,
            "print_final_stats": 1,
            "seed": 1,
        }
        arguments = [f"-{name}={value}" for name, value in options.items()]
        places = [f"-artifact_prefix={folder}/", str(folder / "corpus"), str(folder / "seeds")]
        atheris.Setup([target.name, *arguments, *places], _keeping(target, folder))
        atheris.Fuzz()
    finally:
        os._exit(70)


def _keeping(target: Target, folder: Path) -> Callable[[bytes], None]:
    """Return the target that keeps what it could not take; libFuzzer would at an exit that is not reached."""

    def run(data: bytes) -> None:
        try:
            target.run(data)
        except Exception:
            (folder / "crash-input").write_bytes(data)
            raise

    return run


def _ended(child: _Child, run: Run) -> Result | None:
    """Return its result where it has ended, or has to be."""
    seconds = time.monotonic() - child.began
    pid, status = os.waitpid(child.pid, os.WNOHANG)
    code: int | None = os.waitstatus_to_exitcode(status)
    if pid == 0:
        if seconds < run.seconds + GRACE_SECONDS:
            return None
        os.kill(child.pid, signal.SIGKILL)
        os.waitpid(child.pid, 0)
        code = None
    return judged(child.target.name, child.log.read_text(errors="replace"), code, seconds)
