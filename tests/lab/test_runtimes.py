"""Every runtime's shape on a real kernel: provider, attribution, nothing counted twice, and the sentence."""

import os
import sys
from pathlib import Path

import msgspec
import pytest

from lab.compile import compiled
from lab.runtime_checks import CHECKS
from lab.runtime_truth import Played
from memcollect.lab import uml
from memcollect.lab.kernels import Kernel

pytestmark = pytest.mark.lab

TIME_LIMIT_SECONDS = 900.0


@pytest.fixture(scope="session")
def played(kernel: Kernel, lab_directory: Path) -> dict[str, Played]:
    """What every scene made and what was measured of it: one boot for all."""
    directory = lab_directory / "runtimes"
    directory.mkdir(exist_ok=True)
    if not list(directory.glob("*.json")):
        command = [sys.executable, "-m", "lab.runtime_runner", str(compiled(lab_directory)), str(directory)]
        if trees := os.environ.get("MEMCOLLECT_LAB_TREES"):
            command.append(trees)
        machine = uml.Machine(
            kernel=kernel, command=command, disk_bytes=256 << 20, time_limit_seconds=TIME_LIMIT_SECONDS
        )
        outcome = uml.boot(machine)
        assert outcome.exit_code == 0, "\n".join([*outcome.errors, outcome.kernel_log[-2000:]])
    documents = [msgspec.json.decode(file.read_bytes(), type=Played) for file in directory.glob("*.json")]
    return {document.name: document for document in documents}


@pytest.mark.parametrize("name", CHECKS)
def test_each_runtimes_memory_is_told_for_what_it_is(name: str, played: dict[str, Played]) -> None:
    CHECKS[name](played[name])
