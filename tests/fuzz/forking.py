"""Targets under atheris, each in a fork: what they import is made to be followed once, which takes seconds.

atheris needs Python's own bytecode, so a release of it knows only the Pythons that were there before it.

Code that is followed runs at a tenth of its speed. So what is left of the inputs, once the fuzzer has had its
time to find what reaches new code, is made of what it has found and tried on the code as it is.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import msgspec
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
    followed: bool = True
    """Whether the targets' code tells where it has been; else what was found in `folder` is begun with."""


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


def names() -> list[str]:
    """Return the names of all targets, none of whose code is imported here by that."""

    def all_names() -> list[str]:
        from fuzz.targets import TARGETS  # noqa: PLC0415 - in the fork alone

        return list(TARGETS)

    return msgspec.json.decode(_forked(all_names), type=list[str])


def first_followed(chosen: Sequence[str], run: Run, jobs: int) -> list[Result]:
    """Return what came of the targets while they were followed: in a process that imports them so."""

    def followed() -> list[Result]:
        targets = instrumented()
        return list(fuzzed([targets[name] for name in chosen], run, jobs))

    return msgspec.json.decode(_forked(followed), type=list[Result])


def then_unfollowed(found: Sequence[Result], run: Run, jobs: int) -> Iterator[Result]:
    """Yield all results, those tried further that lack inputs; `run.seconds` is for all of them together."""
    from fuzz.targets import TARGETS  # noqa: PLC0415 - after what is to be followed was forked off

    short = sorted((each for each in found if not each.fault and each.inputs < run.inputs), key=_cost)
    yield from (each for each in found if each not in short)
    until = time.monotonic() + run.seconds
    with scratch.made():
        for begin in range(0, len(short), jobs):
            some = {each.target: each for each in short[begin : begin + jobs]}
            seconds = (until - time.monotonic()) * jobs / (len(short) - begin)
            inputs = run.inputs - min(each.inputs for each in some.values())
            rest = Run(folder=run.folder, inputs=inputs, seconds=max(1.0, seconds), followed=False)
            for after in _fuzzed([TARGETS[name] for name in some], rest, jobs):
                yield _both(some[after.target], after)


def _both(before: Result, after: Result) -> Result:
    return Result(
        target=before.target,
        inputs=before.inputs + after.inputs,
        places=before.places,
        seconds=before.seconds + after.seconds,
        fault=after.fault,
    )


def _forked(work: Callable[[], object]) -> bytes:
    """Return the JSON of what `work` returns in a process of its own."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 70
        try:
            os.close(reading)
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(msgspec.json.encode(work()))
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        data = pipe.read()
    os.waitpid(pid, 0)
    return data


def _cost(result: Result) -> float:
    return result.seconds / max(result.inputs, 1)


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
    (folder / "seeds").mkdir(parents=True, exist_ok=True)
    (folder / "corpus").mkdir(exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (folder / "seeds" / str(number)).write_bytes(seed)
    log = folder / ("log" if run.followed else "log-unfollowed")
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
            "seed": 1 if run.followed else 2,
        }
        tried = _keeping(target, folder)
        if not run.followed:
            # libFuzzer gives up where nothing tells it anything: one function that does is enough.
            options["keep_seed"] = 1
            tried = atheris.instrument_func(tried)
        arguments = [f"-{name}={value}" for name, value in options.items()]
        places = [f"-artifact_prefix={folder}/", str(folder / "corpus"), str(folder / "seeds")]
        atheris.Setup([target.name, *arguments, *places], tried)
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
