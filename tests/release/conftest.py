"""A release made once for all tests that install one."""

import os
from pathlib import Path

import pytest

from worlds.released import Released, make

READY = os.environ.get("MEMCOLLECT_RELEASE")
"""A directory that `make dist URL=…` has filled, to be tested in place of one made for the tests."""


@pytest.fixture(scope="session")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    """What `make dist` makes, with the single file for this Python alone."""
    if READY:
        return Released(Path(READY).resolve())
    return make(tmp_path_factory.mktemp("first"))
