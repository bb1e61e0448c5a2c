"""One boot per session: every workload runs in one guest, and the tests look at what it left.

MEMCOLLECT_LAB_KERNEL names the kernel ("7.2"; the installed one if unset), MEMCOLLECT_REQUIRE_LAB makes
its absence a failure rather than a skip, and MEMCOLLECT_LAB_RESULTS a directory that keeps the results:
where it holds some already, the tests look at those and nothing is booted.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from lab.compile import compiled
from lab.truth import Failed, Measured
from memcollect.lab import kernels, space, uml
from memcollect.lab.errors import LabError
from memcollect.lab.kernels import Kernel

TIME_LIMIT_SECONDS = 1200.0
_PATIENCE_SECONDS = 3600
"""Of a test with the boot that its fixtures wait for, each of which has a limit of its own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests that boot a kernel take longer than the others, as it does."""
    for item in items:
        if item.get_closest_marker("lab"):
            item.add_marker(pytest.mark.timeout(_PATIENCE_SECONDS))


@pytest.fixture(scope="session")
def kernel() -> Kernel:
    """The kernel to test with, fetched if it is named and not here."""
    try:
        return kernels.provide(os.environ.get("MEMCOLLECT_LAB_KERNEL") or None)
    except LabError as error:
        if os.environ.get("MEMCOLLECT_REQUIRE_LAB"):
            pytest.fail(f"the lab cannot run: {error}", pytrace=False)
        pytest.skip(f"the lab cannot run: {error}")


@pytest.fixture(scope="session")
def lab_directory() -> Iterator[Path]:
    """A directory that host and guest see under one path."""
    kept = os.environ.get("MEMCOLLECT_LAB_RESULTS")
    directory = (
        Path(kept) if kept else space.files_directory(64 << 20) / f"memcollect-lab-session-{os.getpid()}"
    )
    directory.mkdir(parents=True, exist_ok=True)
    yield directory
    if not kept:
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def lab_results(request: pytest.FixtureRequest, lab_directory: Path) -> dict[str, Measured | Failed]:
    """What every workload knew and what was measured of it."""
    if not list(lab_directory.glob("*.json")):
        run_all(request.getfixturevalue("kernel"), compiled(lab_directory), lab_directory)
    documents = [
        msgspec.json.decode(file.read_bytes(), type=Measured | Failed)
        for file in lab_directory.glob("*.json")
    ]
    return {document.workload: document for document in documents}


def run_all(kernel: Kernel, program: Path, directory: Path) -> None:
    """Boot once and run every workload."""
    machine = uml.Machine(
        kernel=kernel,
        command=[sys.executable, "-m", "lab.truth_runner", str(program), str(directory)],
        disk_bytes=256 << 20,
        swap_bytes=128 << 20,
        modules=["fs/overlayfs/overlay.ko"],
        time_limit_seconds=TIME_LIMIT_SECONDS,
    )
    said: list[str] = []
    outcome = uml.boot(machine, said.append)
    assert outcome.exit_code == 0, "\n".join([*said, *outcome.errors, outcome.kernel_log[-2000:]])
