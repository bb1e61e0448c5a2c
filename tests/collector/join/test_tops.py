"""kubectl top's numbers on a row: reconciled by the history of the right cgroup, or why there are none."""

from datetime import UTC, datetime

import msgspec
import pytest

from memcollect.documents.snapshot import Missing, Pod, Top
from memcollect.join import ClusterFacts, Failure, join_node
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.usage import Metrics
from memcollect_agent.wire import CgroupHistory, Container, NodeSample
from worlds.join_builders import (
    MIB,
    NO_METRICS,
    NODE,
    NOW,
    SLACK,
    Described,
    answer,
    measured,
    measured_pod,
    pause,
    pod,
    ring,
    running,
    usage,
)

ONE = pod([Described("app", "a")])
TWO = pod([Described("app", "a"), Described("helper", "h")])


def ago(seconds: float) -> str:
    return datetime.fromtimestamp(NOW - seconds, UTC).isoformat().replace("+00:00", "Z")


def sampled(*containers: Container, history: list[CgroupHistory] | None = None) -> NodeSample:
    return answer(measured_pod(*containers, pause()), history=history)


def row(described: kube.Pod, sample: NodeSample | Failure, facts: ClusterFacts) -> Pod:
    return join_node(NODE, [described], sample, facts).pods[0]


def top(described: kube.Pod, sample: NodeSample | Failure, facts: ClusterFacts) -> Top:
    found = row(described, sample, facts).top
    assert found is not None
    return found


def test_a_container_is_aligned_by_the_history_of_its_own_inode() -> None:
    history = [
        ring(7, [(20, 100 * MIB), (8, 100 * MIB), (4, 300 * MIB)]),
        ring(8, [(20, 5 * MIB), (0, 5 * MIB)]),
    ]
    sample = sampled(measured("a", working_set=300 * MIB, inode=7), history=history)
    found = row(ONE, sample, usage(app=100 * MIB))
    container = found.containers[0].top
    assert container is not None
    assert (container.status, container.working_set_at_sample_bytes) == ("drifted", 100 * MIB)
    assert container.tolerance_bytes == SLACK
    assert found.top is not None
    assert found.top.detail == container.detail == "200 MiB more since the sample, 10 s ago"


def test_the_agents_own_number_is_the_last_point() -> None:
    sample = sampled(measured("a", working_set=MIB, inode=7), history=[ring(7, [(20, MIB)])])
    found = top(ONE, sample, usage(app=MIB))
    assert (found.status, found.working_set_at_sample_bytes) == ("reconciled", MIB)


def test_inactive_file_is_not_in_the_working_set() -> None:
    sample = sampled(measured("a", working_set=MIB, inactive=50 * MIB))
    assert top(ONE, sample, usage(app=MIB)).status == "reconciled"


def test_a_pods_containers_are_summed() -> None:
    sample = sampled(measured("a", working_set=3 * MIB), measured("h", working_set=2 * MIB))
    found = top(TWO, sample, usage(app=3 * MIB, helper=2 * MIB))
    assert (found.memory_bytes, found.status) == (5 * MIB, "reconciled")


def test_the_pause_container_is_in_no_sum_even_where_a_container_is_called_so() -> None:
    described = pod([Described("pause", "a")])
    found = row(described, sampled(measured("a", working_set=9 * MIB)), usage(pause=9 * MIB))
    assert [(each.role, each.top is not None) for each in found.containers] == [
        ("container", True),
        ("pause", False),
    ]
    assert found.top is not None
    assert found.top.status == "reconciled"


def test_numbers_without_an_agent_are_shown_and_not_compared() -> None:
    found = top(ONE, Failure("no-agent", "none"), usage(app=9 * MIB))
    assert (found.memory_bytes, found.status) == (9 * MIB, "not-measured")


def test_numbers_of_a_container_that_is_gone_are_shown_and_not_compared() -> None:
    found = top(ONE, sampled(measured("a")), usage(app=MIB, old=5 * MIB))
    assert (found.memory_bytes, found.status) == (6 * MIB, "not-measured")
    assert found.detail.startswith("container old: ")


def test_a_container_that_the_metrics_api_does_not_list_yet_says_so() -> None:
    found = row(TWO, sampled(measured("a"), measured("h")), usage(app=MIB))
    helper = found.containers[1].top
    assert helper is not None
    assert (helper.status, helper.memory_bytes) == ("no-metrics", None)
    assert "not list this container yet" in helper.detail
    assert found.top is not None
    assert found.top.detail.endswith("without container helper, which the metrics API does not list yet")


def test_a_container_without_a_number_leaves_its_pod_without_one() -> None:
    found = top(TWO, sampled(measured("a"), measured("h")), usage(app=MIB, helper=None))
    assert (found.status, found.memory_bytes) == ("no-metrics", None)


@pytest.mark.parametrize("phase", ["Pending", "Succeeded", "Failed", "Unknown", None])
def test_a_pod_that_does_not_run_is_not_expected_in_kubectl_top(phase: str | None) -> None:
    described = msgspec.structs.replace(ONE, status=msgspec.structs.replace(ONE.status, phase=phase))
    assert row(described, sampled(measured("a")), NO_METRICS).top is None


def test_too_young() -> None:
    described = pod([Described("old", "a", running(ago(900))), Described("new", "h", running(ago(20)))])
    found = top(described, sampled(measured("a"), measured("h")), NO_METRICS)
    assert found.status == "no-metrics"
    assert found.detail.startswith("too young: container new started 20 s ago")


def test_dropped_whole_since_one_container_reads_zero() -> None:
    described = pod([Described("app", "a", running(ago(5))), Described("idle", "h", running(ago(5)))])
    sample = sampled(measured("a"), measured("h", working_set=0, inactive=MIB))
    found = top(described, sample, NO_METRICS)
    assert found.detail.startswith("container idle reads zero memory; metrics-server leaves a pod out whole")


def test_missing_for_no_reason_that_is_seen_here() -> None:
    described = pod([Described("app", "a", running(ago(900)))])
    assert top(described, sampled(measured("a")), NO_METRICS).detail.startswith("metrics-server leaves")


@pytest.mark.parametrize("name", ["*", "deer-flow"])
@pytest.mark.parametrize("reason", ["no-metrics-api", "denied"])
def test_no_metrics_api_and_a_right_that_lacks_are_said_as_the_api_said_them(name: str, reason: str) -> None:
    gap = Missing(kind="metrics", name=name, reason=reason, detail=f"because of {reason}")
    found = top(ONE, sampled(measured("a")), ClusterFacts(metrics=Metrics(gaps=[gap])))
    assert (found.status, found.detail) == ("no-metrics", f"because of {reason}")


def test_a_gap_of_another_namespace_is_not_this_pods_reason() -> None:
    gap = Missing(kind="metrics", name="other", reason="denied", detail="because")
    assert top(ONE, sampled(measured("a")), ClusterFacts(metrics=Metrics(gaps=[gap]))).detail != "because"


def test_the_numbers_of_an_earlier_pod_of_the_same_name_are_not_this_ones() -> None:
    described = pod([Described("app", "a")], start_time=ago(5))
    found = top(described, sampled(measured("a")), usage(before=30.0, app=500 * MIB))
    assert (found.status, found.memory_bytes) == ("no-metrics", None)
    assert "earlier pod of this name" in found.detail


def test_the_number_of_a_container_before_its_restart_is_not_held_against_the_new_one() -> None:
    described = pod([Described("app", "a", running(ago(5)))], start_time=ago(900))
    found = top(described, sampled(measured("a")), usage(before=30.0, app=500 * MIB))
    assert (found.status, found.memory_bytes) == ("unaligned", 500 * MIB)
    assert "before its restart" in found.detail


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-45T00:00:00Z", "0001-01-01T00:00:00"])
def test_a_start_that_is_no_time_decides_nothing(text: str) -> None:
    described = pod([Described("app", "a", running(text))], start_time=text)
    assert top(described, sampled(measured("a")), usage(app=MIB)).status == "reconciled"


def test_gvisors_equal_split_is_named_by_the_runtime_class() -> None:
    described = pod([Described("app", "a"), Described("helper", "h")], runtime_class="gvisor")
    sample = sampled(measured("a", working_set=0), measured("h", working_set=0))
    found = row(described, sample, usage(app=150 * MIB, helper=150 * MIB))
    assert found.top is not None
    assert (found.top.provider, found.top.status) == ("gvisor-split", "different-provider")
    assert found.top.memory_bytes == 300 * MIB


def test_katas_guest_numbers_are_named_by_the_numbers_alone() -> None:
    history = [ring(7, [(20, 4096)]), ring(8, [(20, 4096)])]
    sample = sampled(
        measured("a", working_set=4096, inode=7), measured("h", working_set=4096, inode=8), history=history
    )
    found = top(TWO, sample, usage(app=150 * MIB, helper=30 * MIB))
    assert (found.provider, found.status) == ("sandbox-guest", "different-provider")


def test_clocks_of_other_machines_do_not_matter() -> None:
    """All times come from the node; had they been an hour ahead, nothing would read otherwise."""
    history = [ring(7, [(20, 100 * MIB), (8, 100 * MIB), (0, 300 * MIB)])]
    sample = sampled(measured("a", working_set=300 * MIB, inode=7), history=history)
    found = top(ONE, sample, usage(app=100 * MIB))
    text = msgspec.json.encode(sample).decode()
    for at in (NOW, NOW - 20, NOW - 8):
        text = text.replace(str(at), str(at + 3600))
    later = msgspec.json.decode(text, type=NodeSample)
    shifted = top(ONE, later, usage(before=10.0 - 3600, app=100 * MIB))
    assert (shifted.status, shifted.detail) == (found.status, found.detail)
