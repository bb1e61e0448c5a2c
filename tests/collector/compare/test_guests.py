"""Pods in virtual machines: only the whole of what is charged for them can be compared."""

from typing import Any

import msgspec

from memcollect.compare import Document, Question, compare
from memcollect.compare.model import Comparison, Measure
from memcollect.documents.snapshot import Container, Pod
from memcollect_agent.wire import Cgroup
from worlds import compare_builders as build
from worlds.compare_builders import MIB


def cgroup(current: int, inactive: int = 0) -> Cgroup:
    return Cgroup(path="/vm", current_bytes=current, stat={"inactive_file": inactive})


def vm(current: int, **more: Any) -> Pod:
    """Return a pod whose only container is in a virtual machine, charged `current` bytes as a whole."""
    app = Container(name="aio", state="running", inside="it runs inside the virtual machine")
    return build.pod(0, cgroup=cgroup(current, MIB), containers=[app], **more)


def document(name: str, *pods: Pod) -> Document:
    return build.document(build.snapshot(*pods, sample="empty"), name, label=name)


def compared(*pods: Pod) -> Comparison:
    return compare([document("aio", build.pod(100 * MIB)), document("kata", *pods)], Question(baseline="aio"))


def measure(comparison: Comparison, metric: str) -> Measure:
    (cell,) = [each for each in comparison.cells if each.backend == "kata"]
    found = cell.measure(metric)
    assert found is not None
    return found


def test_the_whole_of_what_is_charged_is_compared() -> None:
    comparison = compared(vm(301 * MIB))
    assert measure(comparison, "pod_working_set").spread is not None
    (pair,) = [each for each in comparison.pairs if each.kind == "backends"]
    (whole,) = [each for each in pair.deltas if each.metric == "pod_working_set"]
    assert whole.difference is not None
    assert whole.difference.estimate_bytes == 200 * MIB


def test_the_sum_of_such_pods_is_of_the_whole_pods() -> None:
    comparison = compared(vm(301 * MIB, name="a", uid="a"), vm(401 * MIB, name="b", uid="b"))
    (cell,) = [each for each in comparison.cells if each.backend == "kata"]
    assert cell.capacity is not None
    assert cell.capacity.metric == "pod_working_set"
    assert cell.capacity.total.values_bytes == [700 * MIB]
    assert cell.capacity.largest_bytes == 400 * MIB


def test_what_the_runtime_keeps_in_a_cgroup_elsewhere_is_a_part_of_the_whole() -> None:
    overhead = Container(name="overhead", role="overhead", cgroup=cgroup(50 * MIB))
    spread = measure(
        compared(msgspec.structs.replace(vm(301 * MIB), outside=[overhead])), "pod_working_set"
    ).spread
    assert spread is not None
    assert spread.median_bytes == 350 * MIB


def test_working_set_and_terms_are_unknown_with_the_reason_and_never_zero() -> None:
    comparison = compared(vm(301 * MIB))
    for metric in ("working_set", "anon", "shmem", "residual"):
        found = measure(comparison, metric)
        assert found.spread is None
        assert "virtual machine" in found.reason


def test_such_a_pod_is_nothing_missing_and_carries_no_claim() -> None:
    comparison = compared(vm(301 * MIB))
    (pair,) = [each for each in comparison.pairs if each.kind == "backends"]
    refused = {each.rule: each.reason for each in pair.refusals}
    assert "missing" not in refused
    assert "virtual machine" in refused["residual"]
    assert not pair.allowed


def test_a_pod_of_which_nothing_was_measured_is_still_missing() -> None:
    lost = vm(0, unmeasured="gone")
    lost = build.pod(0, cgroup=None, containers=lost.containers, unmeasured="gone")
    (pair,) = [each for each in compared(lost).pairs if each.kind == "backends"]
    assert "pod sandbox-1 (gone)" in {each.rule: each.reason for each in pair.refusals}["missing"]
