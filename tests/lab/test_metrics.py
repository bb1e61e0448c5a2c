"""What a scrape says of pods whose truth is known, on a real kernel."""

import sys

import msgspec
import pytest

from lab.metrics_runner import ANON, CACHE, FREED, HOLDER, LEFT, MIB, SHMEM, TMPFS
from memcollect.lab import matrix, uml
from memcollect.lab.kernels import Kernel
from memcollect.lab.layout import PodSpec
from memcollect_agent.metrics.readings import ContainerReading, NodeReading, PodReading

pytestmark = pytest.mark.lab

TOLERANCE = 3 * MIB
"""The interpreter's own buffers of 1 MiB that it writes from, and counters that lag behind."""


@pytest.fixture(scope="module")
def readings(kernel: Kernel) -> tuple[NodeReading, NodeReading]:
    """Before and after the pods grew."""
    lines: list[str] = []
    command = [sys.executable, "-m", "lab.metrics_runner"]
    guest = uml.Machine(kernel=kernel, command=command, disk_bytes=64 * MIB, tmpfs=[TMPFS])
    outcome = uml.boot(guest, lines.append)
    assert (outcome.exit_code, outcome.errors) == (0, [])
    before, after = (msgspec.json.decode(line, type=NodeReading) for line in lines)
    return before, after


def pod(node: NodeReading, spec: PodSpec) -> PodReading:
    (found,) = [each for each in node.pods if each.uid == spec.uid]
    return found


def app(node: NodeReading) -> ContainerReading:
    (found,) = [each for each in pod(node, HOLDER).containers if each.id == HOLDER.container_id("app")]
    return found


def test_both_readings_are_whole(readings: tuple[NodeReading, NodeReading]) -> None:
    for node in readings:
        assert node.readable
        assert node.problems == []
        assert {each.role for each in pod(node, HOLDER).containers} == {"container", "pause"}


def test_each_kind_of_memory_is_under_its_term(readings: tuple[NodeReading, NodeReading]) -> None:
    before, after = (app(node).parts for node in readings)
    grown = {term: size - before.composition[term] for term, size in after.composition.items()}
    assert grown["anon"] == pytest.approx(ANON - FREED, abs=TOLERANCE)
    assert grown["shmem"] == pytest.approx(SHMEM, abs=TOLERANCE)
    assert grown["hot_cache"] == pytest.approx(0, abs=TOLERANCE)
    assert abs(grown["residual"]) < TOLERANCE
    assert before.cold_cache is not None
    assert after.cold_cache is not None
    assert after.cold_cache - before.cold_cache == pytest.approx(CACHE, abs=TOLERANCE)
    assert after.lazyfree == pytest.approx(FREED, abs=TOLERANCE)


def test_the_terms_are_the_working_set(readings: tuple[NodeReading, NodeReading]) -> None:
    for node in readings:
        parts = app(node).parts
        assert parts.current is not None
        assert sum(parts.composition.values()) == parts.working_set
        assert abs(parts.composition["residual"]) < TOLERANCE


def test_what_a_container_that_is_gone_left_is_outside_of_all_containers(
    kernel: Kernel, readings: tuple[NodeReading, NodeReading]
) -> None:
    """The bytes say so on every kernel; that a removed cgroup is still there, only where one stays."""
    before, after = (pod(node, LEFT) for node in readings)
    assert before.outside_containers == pytest.approx(0, abs=TOLERANCE)
    assert after.outside_containers == pytest.approx(SHMEM, abs=TOLERANCE)
    row = matrix.row_of(kernel.release)
    stays = row is None or row.keeps_removed
    assert (before.dying_cgroups, after.dying_cgroups) == (0, int(stays))
    assert len(after.containers) == len(before.containers) - 1
