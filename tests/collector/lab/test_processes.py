"""Tenants: programs that say when they are ready. A plain directory stands for the cgroup."""

import sys
from pathlib import Path

import pytest

from memcollect.lab.errors import LabError
from memcollect.lab.processes import Tenant, start_pause


def tenant(tmp_path: Path, *words: str) -> Tenant:
    return Tenant(tmp_path, [sys.executable, "-m", "memcollect.lab.workloads", *words])


def test_it_entered_its_cgroup_before_it_ran(tmp_path: Path) -> None:
    started = tenant(tmp_path, "anon", "1")
    try:
        assert started.wait_ready() == ""
        assert (tmp_path / "cgroup.procs").read_text() == str(started.pid)
    finally:
        started.end()


def test_it_does_more_when_asked_and_ends_when_told(tmp_path: Path) -> None:
    started = tenant(tmp_path, "serve")
    started.wait_ready()
    started.ask("anon 1")
    started.end()
    started.end()
    assert not Path("/proc", str(started.pid)).exists()


def test_one_that_ends_before_it_is_ready_is_named(tmp_path: Path) -> None:
    started = Tenant(tmp_path, ["/bin/sh", "-c", "exit 5"])
    try:
        with pytest.raises(LabError, match=r"/bin/sh -c exit 5 in .* ended with 5 before it was ready"):
            started.wait_ready()
    finally:
        started.end()


def test_pause_is_called_so_by_the_kernel(tmp_path: Path) -> None:
    process = start_pause(tmp_path, tmp_path)
    try:
        assert Path("/proc", str(process.pid), "comm").read_text() == "pause\n"
    finally:
        process.kill()
        process.wait()
