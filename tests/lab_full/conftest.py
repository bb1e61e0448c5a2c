"""One boot per session: every workload runs under every pass, and the tests look at what was measured.

They are asked for by `-m lab_full`, as `make lab-full` does.

MEMCOLLECT_FULL_KERNEL names the kernel ("6.12" if unset), MEMCOLLECT_FULL_PASSES the passes (all if unset),
MEMCOLLECT_REQUIRE_LAB makes the lab's absence a failure rather than a skip, and MEMCOLLECT_FULL_RESULTS
names a directory that keeps the results: a workload or runtime that it holds as measured is judged again and
not played again, so that a session that was ended goes on where it was, and no boot is needed for what is
there. A machine that `python -m memcollect.lab.full start` left running is used as it is.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from lab.node_account import Accounts, explained
from lab.truth import Failed, Measured
from lab_full import playing, tables
from lab_full.chosen import KERNEL, MODULES, PASS_NAMES
from lab_full.node import FULL
from lab_full.playing import Case, say
from lab_full.runtime_truth import Session
from memcollect.lab.errors import LabError
from memcollect.lab.full import session, sources
from memcollect.lab.full.machine import Running
from memcollect_agent.wire import NodeSample

_RAN = pytest.StashKey[list[str]]()
"""Lines for the end of the session."""
_PATIENCE_SECONDS = len(PASS_NAMES) * playing.PASS_SECONDS + playing.RUNTIMES_SECONDS
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
def truth_results(request: pytest.FixtureRequest, kept_results: Path) -> dict[Case, Measured | Failed]:
    """What every workload that is asked for knew and what was measured of it."""
    directory = kept_results / "truth"
    cases = playing.asked_for(request.session.items)
    there = playing.kept(directory, cases)
    wanted = [case for case in cases if not isinstance(there.get(case), Measured)]
    unplayed: dict[Case, Measured | Failed] = {}
    for setting in dict.fromkeys(setting for setting, _ in wanted):
        workloads = [workload for each, workload in wanted if each == setting]
        for failed in playing.play(request.getfixturevalue("machine"), directory, setting, workloads):
            unplayed[setting, failed.workload] = failed
    documents = playing.kept(directory, cases) | unplayed
    request.config.stash[_RAN] = request.config.stash.get(_RAN, []) + tables.of_workloads(
        list(documents.values())
    )
    return documents


@pytest.fixture(scope="session")
def runtimes(request: pytest.FixtureRequest, kept_results: Path) -> dict[str, Session]:
    """What every runtime that is asked for started and what was said of it, by runtime."""
    directory = kept_results / "runtimes"
    names = playing.runtimes_asked_for(request.session.items)
    there = playing.kept_sessions(directory)
    if wanted := [name for name in names if name not in there]:
        playing.run(request.getfixturevalue("machine"), directory, wanted)
        there = playing.kept_sessions(directory)
    lines = tables.of_runtimes({name: there[name] for name in names if name in there})
    request.config.stash[_RAN] = request.config.stash.get(_RAN, []) + lines
    return there


@pytest.fixture(scope="session")
def node_samples(request: pytest.FixtureRequest, kept_results: Path) -> tuple[NodeSample, NodeSample]:
    """What the agent saw of the node that was made on purpose, before and after it was filled."""
    file = kept_results / "node" / "samples.jsonl"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        playing.make_node(request.getfixturevalue("machine"), file)
    before, after = (msgspec.json.decode(line, type=NodeSample) for line in file.read_bytes().splitlines())
    return before, after


@pytest.fixture(scope="session")
def node_accounts(node_samples: tuple[NodeSample, NodeSample]) -> Accounts:
    """What is said of it."""
    before, after = (explained(each, FULL) for each in node_samples)
    return before, after


@contextmanager
def _machine() -> Iterator[Running]:
    kept = session.kept(KERNEL)
    if kept is not None:
        yield kept
        return
    with session.booted(KERNEL, say) as running:
        yield running
