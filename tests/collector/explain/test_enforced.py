"""The limits that Kubernetes tells of, against those in the cgroups."""

from typing import Any

import msgspec
import pytest

from memcollect.documents.snapshot import Container, Finding, Pod, Resize, Runtime
from memcollect.explain import explain_pod
from memcollect.explain.enforced import find_enforced
from memcollect.explain.pressure import NO_LIMIT, NO_LIMIT_HERE
from memcollect.explain.verdict import LONGEST
from memcollect_agent.wire import Cgroup, Hint, Limit, ProcessSums
from worlds.builders import MIB, NODE, QUIET_STAT, cgroup, container, pause, pod
from worlds.recorded_nodes import CONDITIONS, RecordedNode

STARTED = "2026-01-01T12:00:00Z"
READ_AT = 1767268800.0 + 3600
ID = "5f9c4ab08cac7457e9111a30e4664920607ea2c115a1433d7be98e97e64244ca"


def plain(name: str, **more: Any) -> Cgroup:
    """Return a cgroup of private memory alone: its verdict is short enough for what is optional."""
    stat = dict.fromkeys(QUIET_STAT, 0) | {"anon": 100 * MIB, "inactive_anon": 100 * MIB}
    return cgroup(100 * MIB, stat, path=f"/kubepods/pod1/{name}", **more)


def app(has: Limit, told: str | None = "512Mi", name: str = "app", **more: Any) -> Container:
    fields: dict[str, Any] = {
        "id": ID,
        "state": "running",
        "started_at": STARTED,
        "limits": {"memory": told} if told is not None else {"cpu": "1"},
        "cgroup": plain(name, max_bytes=has, read_at=READ_AT),
    }
    return container(name, **{**fields, **more})


def row(*containers: Container, has: Limit = "max", **more: Any) -> Pod:
    whole = pod(*containers, pause(), **more)
    own = msgspec.structs.replace(whole.cgroup or Cgroup(path=""), max_bytes=has, read_at=READ_AT)
    return msgspec.structs.replace(whole, cgroup=own)


def found(whole: Pod) -> list[Finding]:
    return list(find_enforced(whole, NODE))


def only(whole: Pod) -> Finding:
    (finding,) = found(whole)
    return finding


def test_a_limit_that_is_written_as_a_number_of_bytes_is_told_as_people_read_it() -> None:
    assert only(row(app("max", str(512 * MIB)))).sentence == (
        "Its memory limit is not in force: Kubernetes says 512 MiB, and memory.max of its cgroup is max."
    )


def test_a_limit_that_is_lost_is_told_with_both_values_and_never_as_none() -> None:
    finding = only(row(app("max")))

    assert (finding.cause, finding.scope, finding.severity) == ("limit_lost", "app", "warning")
    assert finding.sentence == (
        "Its memory limit is not in force: Kubernetes says 512Mi, and memory.max of its cgroup is max."
    )
    assert "Delete the pod" in finding.remedy
    assert f"`crictl update --memory {512 * MIB} {ID[:13]}`" in finding.remedy
    verdict = explain_pod(row(app("max")), NODE).verdict
    assert verdict.startswith(finding.sentence)
    assert NO_LIMIT not in verdict


def test_of_a_limit_that_is_lost_is_not_said_again_that_there_is_none() -> None:
    short = explain_pod(row(app("max", sums=ProcessSums(listed=1, read=1))), NODE).verdict

    assert len(short) + len(NO_LIMIT_HERE) < LONGEST
    assert NO_LIMIT_HERE not in short


def test_a_pods_limit_that_holds_all_the_same_takes_the_alarm_away_and_not_the_news() -> None:
    whole = row(app("max"), has=512 * MIB)
    finding = only(whole)

    assert finding.severity == "notice"
    assert finding.sentence.endswith("is max; the pod's limit of 512 MiB holds.")
    verdict = explain_pod(whole, NODE).verdict
    assert finding.sentence in verdict
    assert not verdict.startswith(finding.sentence)


def test_a_pods_limit_that_is_wider_holds_and_is_no_comfort() -> None:
    whole = row(app("max"), app(256 * MIB, "256Mi", "side"), has=768 * MIB)

    assert only(whole).severity == "warning"
    assert only(whole).sentence.endswith("the pod's limit of 768 MiB holds.")
    assert "app: Its memory limit is not in force" in explain_pod(whole, NODE).verdict


@pytest.mark.parametrize(("has", "told"), [(256 * MIB, "256 MiB"), (2048 * MIB, "2048 MiB")])
def test_another_limit_than_kubernetes_says_is_told_with_both(has: int, told: str) -> None:
    finding = only(row(app(has)))

    assert (finding.cause, finding.severity) == ("limit_differs", "warning")
    assert finding.sentence == (
        f"Its memory limit in force is {told}, by memory.max of its cgroup, where Kubernetes says 512Mi."
    )


@pytest.mark.parametrize(
    ("has", "told"),
    [
        (512 * MIB, "512Mi"),
        (512 * MIB, "536870912"),
        (499998720, "500M"),
        (4096, "8191"),
        ("max", None),
        ("max", "0"),
        ("max", "8Ei"),
        ("max", "what"),
        (None, "512Mi"),
    ],
)
def test_the_same_in_whole_pages_or_what_is_not_known_is_no_difference(has: Limit, told: str | None) -> None:
    assert found(row(app(has, told))) == []


def test_a_page_more_is_a_difference() -> None:
    assert only(row(app(512 * MIB + 4096))).cause == "limit_differs"
    assert only(row(app(512 * MIB - 4096))).cause == "limit_differs"


@pytest.mark.parametrize(
    "young",
    [
        {"started_at": "2026-01-01T12:59:55Z"},
        {"started_at": None},
        {"started_at": "soon"},
        {"state": "waiting"},
        {"state": "terminated"},
        {"cgroup": None},
        {"cgroup": cgroup(path="/kubepods/pod1/app", max_bytes="max")},
    ],
)
def test_what_may_be_in_the_making_or_does_not_run_is_not_judged(young: dict[str, Any]) -> None:
    assert found(row(app("max", **young))) == []


@pytest.mark.parametrize(
    ("family", "class_", "is_judged"),
    [
        ("gvisor", None, False),
        ("kata", "kata-qemu", False),
        ("cube", None, False),
        ("firecracker", "fc", False),
        ("default", None, True),
        ("vm", None, True),
        ("crun", "crun", True),
    ],
)
def test_a_limit_that_may_be_the_guests_is_not_called_lost_nor_none(
    family: str,
    class_: str | None,
    is_judged: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    whole = row(app("max"), runtime=Runtime(family=family, runtime_class=class_))

    assert bool(found(whole)) is is_judged
    assert NO_LIMIT not in explain_pod(whole, NODE).verdict


def test_of_one_that_is_told_a_limit_the_cgroups_alone_are_said_to_have_none() -> None:
    assert NO_LIMIT_HERE in explain_pod(row(app("max", started_at=None)), NODE).verdict
    assert NO_LIMIT in explain_pod(row(app("max", None)), NODE).verdict


def test_a_pods_limit_is_no_limit_of_a_container_that_is_elsewhere() -> None:
    assert only(row(app("max", elsewhere=True), has=512 * MIB)).sentence.endswith("its cgroup is max.")


def test_a_pods_limit_that_is_the_same_is_not_the_one_that_holds() -> None:
    ours, _ = found(row(app(256 * MIB), has=256 * MIB, start_time=STARTED))

    assert ours.sentence.endswith("where Kubernetes says 512Mi.")


def test_an_init_container_and_a_sidecar_are_held_to_theirs() -> None:
    whole = row(app(512 * MIB), app("max", "64Mi", "setup", role="init"))

    assert only(whole).scope == "setup"


@pytest.mark.parametrize("told", [None, "0"])
def test_a_limit_that_kubernetes_does_not_give_is_told(told: str | None) -> None:
    finding = only(row(app(256 * MIB, told)))

    assert finding.sentence == (
        "Its memory limit in force is 256 MiB, by memory.max of its cgroup, where Kubernetes gives it none."
    )
    assert finding.severity == "notice"
    assert "crictl update --memory" not in finding.remedy


def test_a_container_without_a_limit_of_its_own_has_its_pods() -> None:
    limits = {"memory": "1Gi"}

    assert found(row(app(1 << 30, None), has=1 << 30, limits=limits, start_time=STARTED)) == []
    assert found(row(app("max", None), has=1 << 30, limits=limits, start_time=STARTED)) == []


def test_a_limit_of_the_pod_as_a_whole_that_is_lost_is_told() -> None:
    finding = only(row(app("max", None), limits={"memory": "1Gi"}, start_time=STARTED))

    assert (finding.cause, finding.scope) == ("limit_lost", "pod")
    assert finding.sentence == (
        "The pod's memory limit is not in force: Kubernetes says 1Gi, and memory.max of its cgroup is max."
    )


@pytest.mark.parametrize(
    "more",
    [{"runtime": Runtime(family="crun", runtime_class="crun")}, {"resize": Resize(state="in progress")}],
)
def test_a_pods_limit_that_may_have_more_in_it_is_not_judged(more: dict[str, Any]) -> None:
    assert found(row(app("max", None), limits={"memory": "1Gi"}, start_time=STARTED, **more)) == []


def test_a_pods_limit_that_is_less_than_a_containers_is_told() -> None:
    whole = row(app(512 * MIB), app(64 * MIB, "64Mi", "side"), has=256 * MIB, start_time=STARTED)

    assert only(whole).sentence == (
        "The pod's memory limit in force is 256 MiB, by memory.max of its cgroup: less than the 512 MiB that"
        " Kubernetes gives container app alone."
    )
    wide = row(app(512 * MIB), app(64 * MIB, "64Mi", "side"), has=576 * MIB, start_time=STARTED)
    assert found(wide) == []
    assert found(row(app(499998720, "500M"), has=499998720, start_time=STARTED)) == []


def test_of_a_class_that_is_not_known_processes_in_the_cgroup_tell_that_it_is_the_hosts() -> None:
    gpu = Runtime(family="unknown", runtime_class="nvidia")

    assert only(row(app("max"), runtime=gpu)).cause == "limit_lost"
    assert found(row(app("max", sums=ProcessSums()), runtime=gpu)) == []
    assert found(row(app("max", sums=None), runtime=gpu)) == []
    assert (
        found(row(app("max", hints=[Hint(kind="vmm", pid=7, program="qemu", by="comm")]), runtime=gpu)) == []
    )


DEFERRED = Resize(state="pending", reason="Deferred", message="node is full.")


def test_a_resize_that_hangs_shows_what_is_in_force() -> None:
    waits = app(1 << 30, "1Gi", wanted_limits={"memory": "512Mi"})

    assert only(row(waits, resize=DEFERRED)).sentence == (
        "The limit of container app is still 1Gi, of which 100 MiB is charged:"
        " its resize to 512Mi is pending (Deferred: node is full)."
    )
    assert found(row(waits)) == []


@pytest.mark.parametrize(("charged", "may"), [(512, True), (513, False)])
def test_a_limit_below_what_is_charged_is_not_to_be_set_by_hand(charged: int, *, may: bool) -> None:
    grown = app("max")
    assert grown.cgroup is not None
    cgroup_of = msgspec.structs.replace(grown.cgroup, current_bytes=charged * MIB)

    remedy = only(row(msgspec.structs.replace(grown, cgroup=cgroup_of))).remedy

    assert ("crictl update --memory" in remedy) is may
    assert ("Do not set it by hand meanwhile: 513 MiB is charged" in remedy) is not may


def test_a_resize_of_a_limit_in_bytes_is_told_as_people_read_it() -> None:
    waits = app(500_000_000, "500000000", wanted_limits={"memory": "1500000000"})

    assert only(row(waits, resize=Resize(state="in progress"))).sentence == (
        "The limit of container app is still 477 MiB, of which 100 MiB is charged:"
        " its resize to 1431 MiB is in progress."
    )


def test_a_resize_that_the_cgroup_has_already_is_done() -> None:
    done = app(512 * MIB, "1Gi", wanted_limits={"memory": "512Mi"})

    assert found(row(done, resize=Resize(state="in progress"))) == []
    assert found(row(done, has=512 * MIB, start_time=STARTED)) == []


def test_a_limit_that_neither_side_of_a_resize_asks_for_is_told_with_the_resize() -> None:
    other = app("max", "1Gi", wanted_limits={"memory": "512Mi"})

    finding = only(row(other, resize=DEFERRED))

    assert finding.cause == "limit_lost"
    assert finding.sentence == (
        "Its memory limit is not in force: Kubernetes says 1Gi, and memory.max of its cgroup is max:"
        " its resize to 512Mi is pending (Deferred: node is full)."
    )


def test_a_resize_of_what_has_no_cgroup_here_is_told_by_the_api_alone() -> None:
    inside = app(None, "1Gi", wanted_limits={"memory": "512Mi"}, cgroup=None)

    assert only(row(inside, resize=DEFERRED)).sentence == (
        "The limit of container app is still 1Gi: its resize to 512Mi is pending (Deferred: node is full)."
    )


@pytest.mark.parametrize("condition", CONDITIONS)
def test_in_recorded_clusters_every_limit_is_in_force_and_one_that_is_taken_away_is_told(
    condition: str,
) -> None:
    pods, _ = RecordedNode(condition).joined()
    limited = [
        (whole, each)
        for whole in pods
        for each in whole.containers
        if "memory" in each.limits and each.cgroup is not None
    ]

    assert [finding for whole in pods for finding in find_enforced(whole, None)] == []
    assert len(limited) >= 2
    for whole, each in limited:
        bare = msgspec.structs.replace(each.cgroup or Cgroup(path=""), max_bytes="max")
        others = [other for other in whole.containers if other is not each]
        lost = msgspec.structs.replace(each, cgroup=bare)
        (finding,) = find_enforced(msgspec.structs.replace(whole, containers=[*others, lost]), None)
        assert (finding.cause, finding.scope) == ("limit_lost", each.name)
