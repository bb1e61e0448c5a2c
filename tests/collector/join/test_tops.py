"""kubectl top's numbers on a row: reconciled by the history of the right cgroup, or why there are none."""

from datetime import UTC, datetime

import msgspec
import pytest

from memcollect.documents.snapshot import Missing, Pod, Top
from memcollect.join import ClusterFacts, Failure, join_node
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.usage import Metrics, Usage
from memcollect_agent.wire import CgroupHistory, Container, NodeSample, ProcessSums
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
    waiting,
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
    assert found.top.detail == container.detail == "it has grown by 200 MiB since"


def test_a_container_that_has_grown_since_is_not_one_that_kubectl_top_leaves_out() -> None:
    history = [ring(7, [(20, 100 * MIB), (4, 300 * MIB)]), ring(8, [(20, 5 * MIB), (0, 5 * MIB)])]
    sample = sampled(
        measured("a", working_set=300 * MIB, inode=7), measured("h", working_set=5 * MIB), history=history
    )
    found = top(TWO, sample, usage(app=100 * MIB, helper=5 * MIB))
    assert (found.memory_bytes, found.status) == (105 * MIB, "drifted")
    assert (found.detail, found.remark) == ("container app: it has grown by 200 MiB since", "")


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
    assert (found.memory_bytes, found.status) == (6 * MIB, "unexplained")
    assert found.remark == "it adds up an entry called old (5 MiB), which is not a container of this pod"


def test_a_container_that_the_metrics_api_does_not_list_yet_says_so() -> None:
    found = row(TWO, sampled(measured("a"), measured("h")), usage(app=MIB))
    helper = found.containers[1].top
    assert helper is not None
    assert (helper.status, helper.memory_bytes) == ("no-metrics", None)
    assert "not list this container yet" in helper.detail
    assert found.top is not None
    assert found.top.remark == "without container helper, which the metrics API does not list yet"


def test_a_container_that_has_run_for_days_is_not_listed_late_but_not_seen() -> None:
    days = running(ago(3 * 86400))
    described = pod([Described("app", "a", days), Described("helper", "h", days)])
    found = row(described, sampled(measured("a"), measured("h")), usage(app=MIB))
    assert found.top is not None
    assert found.top.remark.startswith("without container helper, which has been running for 3 days")
    assert "yet" not in found.top.remark


def test_a_name_that_is_listed_twice_counts_as_shown_and_is_told() -> None:
    sample = sampled(measured("a", working_set=906 * MIB))
    twice = listed(("app", 906 * MIB), ("app", 900 * MIB))
    found = row(ONE, sample, twice)
    assert found.top is not None
    assert (found.top.memory_bytes, found.top.status) == (1806 * MIB, "unexplained")
    assert "container app is listed twice (906 MiB and 900 MiB)" in found.top.remark
    container = found.containers[0].top
    assert container is not None
    assert (container.memory_bytes, container.status) == (906 * MIB, "reconciled")


def test_an_entry_that_is_the_sum_of_the_others_is_the_pods_total() -> None:
    sample = sampled(measured("a", working_set=20 * MIB), measured("h", working_set=5 * MIB))
    found = top(TWO, sample, listed(("app", 20 * MIB), ("helper", 5 * MIB), ("", 25 * MIB)))
    assert (found.memory_bytes, found.status) == (25 * MIB, "reconciled")
    assert "it adds up an entry without a name, too, which is the sum of the others" in found.remark
    assert "shows 50 MiB" in found.remark


def test_the_pods_total_for_each_container_is_told_once() -> None:
    sample = sampled(measured("a", working_set=200 * MIB), measured("h", working_set=50 * MIB))
    found = row(TWO, sample, listed(("app", 250 * MIB), ("helper", 250 * MIB)))
    assert found.top is not None
    assert (found.top.memory_bytes, found.top.status) == (250 * MIB, "reconciled")
    assert "it adds up 2 entries, each of which is the pod's total" in found.top.remark
    assert [each.top for each in found.containers] == [None] * 3


def test_a_number_below_zero_is_no_number() -> None:
    assert top(ONE, sampled(measured("a")), usage(app=-5)).status == "no-metrics"


def test_an_init_containers_pod_has_no_number_because_it_does_not_run_yet() -> None:
    described = pod([Described("app", None, waiting())], init=[Described("fill", "a")], phase="Pending")
    found = top(described, sampled(measured("a")), NO_METRICS)
    assert found.status == "no-metrics"
    assert found.detail == (
        "metrics-server lists running pods only; this one is still Pending (init container fill is running)"
    )


def test_where_no_container_runs_that_is_why_there_is_no_number() -> None:
    described = pod([Described("app", None, waiting("CrashLoopBackOff"))])
    assert "none of its containers runs" in top(described, sampled(), NO_METRICS).detail


def test_of_two_containers_the_one_that_was_restarted_after_the_sample_is_named() -> None:
    described = pod([Described("app", "a", running(ago(4))), Described("helper", "h", running(ago(900)))])
    sample = sampled(measured("a", working_set=30 * MIB), measured("h", working_set=50 * MIB))
    found = top(described, sample, usage(app=900 * MIB, helper=50 * MIB))
    assert found.status == "unaligned"
    assert found.detail.startswith(
        "container app: the sample is of the container before its restart 6 s later"
    )


def listed(*entries: tuple[str, int]) -> ClusterFacts:
    """Return the metrics API's list of the pod as it stands, whatever is wrong with it."""
    facts = usage(app=1)
    ((key, found),) = facts.metrics.pods.items()
    containers = [Usage(name=name, memory_bytes=size) for name, size in entries]
    found = msgspec.structs.replace(found, containers=containers)
    return ClusterFacts(metrics=Metrics(pods={key: found}))


def test_a_container_without_a_number_leaves_its_pod_without_one() -> None:
    found = top(TWO, sampled(measured("a"), measured("h")), usage(app=MIB, helper=None))
    assert (found.status, found.memory_bytes) == ("no-metrics", None)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed", "Unknown", None])
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
    assert found.detail.startswith("container idle reads zero memory, so metrics-server leaves out")


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
    empty = [msgspec.structs.replace(measured(id_, working_set=0), sums=ProcessSums()) for id_ in ("a", "h")]
    found = row(described, sampled(*empty), usage(app=150 * MIB, helper=150 * MIB))
    assert found.top is not None
    assert (found.top.provider, found.top.status) == ("gvisor-split", "different-provider")
    assert found.top.memory_bytes == 300 * MIB


def test_numbers_alone_are_no_evidence_of_a_guest() -> None:
    history = [ring(7, [(20, 4096)]), ring(8, [(20, 4096)])]
    sample = sampled(
        measured("a", working_set=4096, inode=7), measured("h", working_set=4096, inode=8), history=history
    )
    found = top(TWO, sample, usage(app=150 * MIB, helper=30 * MIB))
    assert (found.provider, found.status) == ("host-cgroup", "unexplained")
    assert "no sandbox was seen" in found.detail


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
