"""CPUs and memory of a container that sees the whole machine."""

import os
from pathlib import Path

import psutil
import pytest

from memcollect.taking import allowed

GIB = 1 << 30


@pytest.fixture(autouse=True)
def large_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(64)))
    memory = psutil.virtual_memory()._replace(available=256 * GIB)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)


class Cgroups:
    """The cgroups of a process that is in /kubepods/pod, as it sees them."""

    def __init__(self, directory: Path) -> None:
        self.mounted = directory / "cgroup"
        self.own = directory / "self"
        self.own.write_text("4:memory:/old\n0::/kubepods/pod\n")

    def write(self, cgroup: str, **files: str) -> None:
        (self.mounted / cgroup).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (self.mounted / cgroup / name.replace("_", ".", 1)).write_text(f"{text}\n")

    def allowed(self) -> tuple[int, int]:
        where = self.mounted, self.own
        return allowed.cpus(*where), allowed.memory_bytes(*where)


@pytest.fixture
def cgroups(tmp_path: Path) -> Cgroups:
    return Cgroups(tmp_path)


def test_without_a_limit_it_is_the_machines(cgroups: Cgroups) -> None:
    assert cgroups.allowed() == (64, 256 * GIB)
    cgroups.write("kubepods/pod", cpu_max="max 100000", memory_max="max", memory_current="4096")
    assert cgroups.allowed() == (64, 256 * GIB)


@pytest.mark.parametrize(("quota", "cpus"), [("200000", 2), ("150000", 2), ("5000", 1), ("9900000", 64)])
def test_a_quota_is_worth_so_many_cpus(cgroups: Cgroups, quota: str, cpus: int) -> None:
    cgroups.write("kubepods/pod", cpu_max=f"{quota} 100000")
    assert cgroups.allowed()[0] == cpus


def test_cache_that_nobody_uses_is_room(cgroups: Cgroups) -> None:
    stat = f"anon {GIB}\ninactive_file {2 * GIB}"
    cgroups.write("kubepods/pod", memory_max=f"{8 * GIB}", memory_current=f"{6 * GIB}", memory_stat=stat)
    assert cgroups.allowed()[1] == 4 * GIB


def test_what_is_around_it_counts_as_well(cgroups: Cgroups) -> None:
    cgroups.write("kubepods/pod", cpu_max="400000 100000", memory_max=f"{8 * GIB}", memory_current="0")
    cgroups.write("kubepods", cpu_max="300000 100000", memory_max=f"{9 * GIB}", memory_current=f"{8 * GIB}")
    assert cgroups.allowed() == (3, GIB)


def test_a_containers_own_view_begins_at_its_own_cgroup(cgroups: Cgroups) -> None:
    cgroups.own.write_text("0::/\n")
    cgroups.write("", cpu_max="100000 100000", memory_max=f"{GIB}", memory_current=f"{2 * GIB}")
    assert cgroups.allowed() == (1, 0)


@pytest.mark.parametrize("own", ["", "4:memory:/old\n", "0::/../../other\n"])
def test_what_cannot_be_seen_limits_nothing(cgroups: Cgroups, own: str) -> None:
    cgroups.own.write_text(own)
    cgroups.write("", cpu_max="100000 100000")
    assert cgroups.allowed() == (64, 256 * GIB)


@pytest.mark.parametrize("text", ["", "a b", "1e5", "1 0", "-1 100000", "\x00"])
def test_what_no_kernel_writes_limits_nothing(cgroups: Cgroups, text: str) -> None:
    cgroups.write("kubepods/pod", cpu_max=text, memory_max=text, memory_current="0")
    assert cgroups.allowed() == (64, 256 * GIB)
    stat = f"{text}\ninactive_file\ninactive_file {text}"
    cgroups.write("kubepods/pod", memory_max=f"{GIB}", memory_current="0", memory_stat=stat)
    assert cgroups.allowed() == (64, GIB)
