from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from worlds.doctor_stage import Stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """An empty cluster."""
    with ExitStack() as stack:
        yield Stage(stack, tmp_path)


@pytest.fixture
def healthy(stage: Stage) -> Stage:
    """Two nodes with an agent each, and a pod that has fresh numbers."""
    stage.healthy_node("n1")
    stage.healthy_node("n2")
    stage.pod("sandbox-1", "n1")
    return stage
