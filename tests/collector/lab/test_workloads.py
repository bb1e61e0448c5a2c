"""The demo's workloads, each against what the kernel says of the process that did it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect.lab.demo_plan import PODS
from memcollect.lab.processes import Tenant
from memcollect.lab.workloads import WORKLOADS

MIB = 1 << 20


@pytest.fixture
def idle() -> Iterator[Tenant]:
    tenant = Tenant(None, [sys.executable, "-m", "memcollect.lab.workloads", "anon", "1"])
    tenant.wait_ready()
    yield tenant
    tenant.end()


def rollup(pid: int, field: str) -> int:
    for line in Path("/proc", str(pid), "smaps_rollup").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise KeyError(field)


def test_anon_is_private_memory_of_that_size(idle: Tenant) -> None:
    before = rollup(idle.pid, "Pss_Anon")
    idle.ask("anon 16")
    assert abs(rollup(idle.pid, "Pss_Anon") - before - 16 * MIB) < MIB


def test_lazyfree_is_marked_freeable(idle: Tenant) -> None:
    idle.ask("lazyfree 16")
    assert abs(rollup(idle.pid, "LazyFree") - 16 * MIB) < MIB


def test_workers_share_their_parents_heap(idle: Tenant) -> None:
    idle.ask("workers 3 16")
    assert rollup(idle.pid, "Rss") - rollup(idle.pid, "Pss") > 10 * MIB


def test_a_mapped_file_is_resident(idle: Tenant, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 8 * MIB)
    before = rollup(idle.pid, "Rss")
    idle.ask(f"map_file {tmp_path}/file")
    assert rollup(idle.pid, "Rss") - before >= 8 * MIB


def test_an_artifact_is_a_file_of_its_size_in_a_directory_that_is_made(idle: Tenant, tmp_path: Path) -> None:
    idle.ask(f"artifact {tmp_path}/new/report.bin 2")
    assert (tmp_path / "new" / "report.bin").stat().st_size == 2 * MIB


def test_tmpfs_writes_and_read_reads(idle: Tenant, tmp_path: Path) -> None:
    idle.ask(f"tmpfs {tmp_path}/shm/blob 2")
    idle.ask(f"read {tmp_path}/shm/blob 3")
    assert (tmp_path / "shm" / "blob").stat().st_size == 2 * MIB


def test_the_plan_names_only_workloads_that_are_there() -> None:
    words = [work.words for pod in PODS for work in pod.works]
    assert {each.split()[0] for each in words} <= set(WORKLOADS)


def test_the_plan_has_every_quality_of_service_and_the_guides_samples() -> None:
    assert {pod.spec.qos_class for pod in PODS} == {"Guaranteed", "Burstable", "BestEffort"}
    names = {pod.spec.name for pod in PODS}
    assert {
        f"sandbox-{sample}" for sample in ("empty", "after-bash", "after-python", "after-artifact")
    } <= names
    assert len(names) == len(PODS)
