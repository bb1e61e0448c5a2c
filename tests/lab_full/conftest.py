"""One boot per session: every workload runs under every pass, and the tests look at what was measured.

They are asked for by `-m lab_full`, as `make lab-full` does.

MEMCOLLECT_FULL_KERNEL names the kernel ("6.12" if unset), MEMCOLLECT_FULL_PASSES the passes (all if unset),
MEMCOLLECT_REQUIRE_LAB makes the lab's absence a failure rather than a skip, and MEMCOLLECT_FULL_RESULTS
names a directory that keeps the results: what it holds of a pass, or of the runtimes, is looked at and not
made again, so that a session that was ended goes on where it was. A machine
that `python -m memcollect.lab.full start` left running is used as it is.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from lab.compile import compiled
from lab.truth import Failed, Measured
from lab_full import tables
from lab_full.chosen import HERE, KERNEL, MODULES, PASS_NAMES
from lab_full.runtime_truth import Session
from memcollect.lab.errors import LabError
from memcollect.lab.full import session, sources
from memcollect.lab.full.machine import Running

_RAN = pytest.StashKey[list[str]]()
"""Lines for the end of the session."""
_PASS_SECONDS = 3600.0
"""A workload takes 3 s, and 30 where the emulated processor gets a tenth of a real one."""
_RUNTIMES_SECONDS = 7200.0
_PATIENCE_SECONDS = len(PASS_NAMES) * _PASS_SECONDS + _RUNTIMES_SECONDS
"""Of a test with the boot that its fixtures wait for, each of which has a limit of its own."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print what ran, and what did not and why; what is known to fail pytest prints itself."""
    for line in config.stash.get(_RAN, []):
        terminalreporter.write_line(line)


def pytest_ignore_collect(config: pytest.Config) -> bool | None:
    """Leave these tests out unless they are asked for: an emulated processor takes too long for every run."""
    return None if "lab_full" in str(config.getoption("markexpr")) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let these tests take as long as an emulated processor does."""
    for item in items:
        if item.get_closest_marker("lab_full"):
            item.add_marker(pytest.mark.timeout(_PATIENCE_SECONDS))


@pytest.fixture(scope="session")
def machine() -> Iterator[Running]:
    """A machine that is up, with this project's programs and the suite's own modules."""
    try:
        with _machine() as running:
            sources.put(running.remote, MODULES)
            yield running
    except LabError as error:
        if os.environ.get("MEMCOLLECT_REQUIRE_LAB"):
            pytest.fail(f"the full lab cannot run: {error}", pytrace=False)
        pytest.skip(f"the full lab cannot run: {error}")


@pytest.fixture(scope="session")
def kept_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where results are, or are to be."""
    kept = os.environ.get("MEMCOLLECT_FULL_RESULTS")
    return Path(kept) if kept else tmp_path_factory.mktemp("results")


@pytest.fixture(scope="session")
def truth_results(
    request: pytest.FixtureRequest, kept_results: Path
) -> dict[tuple[str, str], Measured | Failed]:
    """What every workload knew and what was measured of it, by pass and workload."""
    directory = kept_results / "truth"
    for name in PASS_NAMES:
        if not list(directory.glob(f"{name}.*.json")):
            _play(request.getfixturevalue("machine"), directory, name)
    documents = [
        msgspec.json.decode(file.read_bytes(), type=Measured | Failed)
        for name in PASS_NAMES
        for file in sorted(directory.glob(f"{name}.*.json"))
    ]
    request.config.stash[_RAN] = request.config.stash.get(_RAN, []) + tables.of_workloads(documents)
    return {(each.setting, each.workload): each for each in documents}


@pytest.fixture(scope="session")
def runtimes(request: pytest.FixtureRequest, kept_results: Path) -> Session:
    """What every runtime started, and what was said of it."""
    directory = kept_results / "runtimes"
    if not list(directory.glob("*.json")):
        _run(request.getfixturevalue("machine"), directory)
    found = msgspec.json.decode((directory / "session.json").read_bytes(), type=Session)
    request.config.stash[_RAN] = request.config.stash.get(_RAN, []) + tables.of_runtimes(found)
    return found


def _run(machine: Running, directory: Path) -> None:
    """Run every runtime in the guest and bring the results here."""
    command = ["python3", "-m", "lab_full.runtimes", _put_program(machine, directory), "/root/results"]
    code, errors = machine.remote.run(command, _RUNTIMES_SECONDS, say)
    assert code == 0, "\n".join(errors)
    machine.remote.fetch("/root/results", directory)


def _put_program(machine: Running, directory: Path) -> str:
    """Compile the truthful program, bring it to the guest, and return where it is there."""
    directory.mkdir(parents=True, exist_ok=True)
    machine.remote.put([(compiled(directory, HERE / "full.c"), "workload")], "/root")
    return "/root/workload"


def _play(machine: Running, directory: Path, name: str) -> None:
    """Run every workload of a pass in the guest and bring the results here."""
    program, results = _put_program(machine, directory), f"/root/truth-{name}"
    command = ["python3", "-m", "lab_full.runner", program, results, name]
    code, errors = machine.remote.run(command, _PASS_SECONDS, say)
    assert code == 0, "\n".join(errors)
    machine.remote.fetch(results, directory)


@contextmanager
def _machine() -> Iterator[Running]:
    kept = session.kept(KERNEL)
    if kept is not None:
        yield kept
        return
    with session.booted(KERNEL, say) as running:
        yield running


def say(line: str) -> None:
    """Tell of progress; pytest shows it with -s, and of a suite that failed."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
