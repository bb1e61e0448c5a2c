import msgspec
import pytest

from memcollect.documents.snapshot import Container
from memcollect.explain import explain, explain_pod
from memcollect.reporters.room import room_of
from memcollect_agent.wire import ProcessSums
from worlds.builders import (
    MIB,
    NODE,
    QUIET_CURRENT,
    QUIET_STAT,
    cgroup,
    container,
    idle_cgroup,
    pause,
    pod,
    snapshot,
)

GONE = Container(name="init", role="init", state="terminated")


def test_a_pod_is_the_sum_of_its_app_containers() -> None:
    row = explain_pod(pod(container(), container("b"), pause()), NODE)

    assert row.composition is not None
    assert row.composition.working_set_bytes == 2 * 157 * MIB


def test_a_container_that_ended_takes_nothing_from_the_pod() -> None:
    row = explain_pod(pod(container(), GONE), NODE)

    assert row.composition is not None
    assert row.composition.working_set_bytes == 157 * MIB


def test_a_running_container_without_numbers_leaves_the_pod_without_a_sum() -> None:
    row = explain_pod(pod(container(), Container(name="late", state="running")), NODE)

    assert row.composition is None
    assert row.verdict.startswith("Not measured: container late: current: the cgroup was not measured.")


@pytest.mark.parametrize(
    "ended", [{"phase": "Failed"}, {"phase": "Succeeded"}, {"containers": "terminated"}], ids=str
)
def test_a_pod_that_has_ended_is_not_told_what_is_left_to_its_limit(ended: dict[str, str]) -> None:
    held = idle_cgroup(95 * MIB, anon=95 * MIB, inactive_anon=95 * MIB)
    full = container(cgroup=msgspec.structs.replace(held, max_bytes=100 * MIB), state="running")
    running = pod(full, phase="Running")
    state = ended.get("containers", "running")
    over = pod(msgspec.structs.replace(full, state=state), phase=ended.get("phase", "Running"))

    before, after = explain_pod(running, NODE), explain_pod(over, NODE)
    assert "limit of 100 MiB" in before.verdict
    assert "near_limit" in {each.cause for each in before.findings}
    assert room_of(before) is not None
    assert "limit" not in after.verdict
    assert "near_limit" not in {each.cause for each in after.findings}
    assert room_of(after) is None


def test_a_single_cgroup_outside_kubernetes_has_its_containers_ladder_and_no_pod_findings() -> None:
    row = explain_pod(pod(kind="service"), NODE)

    assert row.ladder == row.containers[0].ladder
    assert {each.scope for each in row.findings if each.cause != "other_tool"} == {"app"}


def test_of_a_pause_container_the_ladder_has_rungs_alone_and_its_composition_is_whole() -> None:
    row = explain_pod(pod(container(), pause(MIB)), NODE)
    app, told = row.containers

    assert told.ladder is not None
    assert [(rung.rung, rung.bytes) for rung in told.ladder.rungs if rung.rung == "current"] == [
        ("current", MIB)
    ]
    assert told.ladder.steps == []
    assert told.composition is not None
    terms = sum(term.estimate_bytes for term in told.composition.terms)
    assert terms + told.composition.residual.estimate_bytes == told.composition.working_set_bytes
    assert app.ladder is not None
    assert app.ladder.steps


def test_where_a_pause_container_is_all_there_is_its_ladder_has_steps_as_any_other() -> None:
    row = explain_pod(pod(container(role="pause"), kind="service"), NODE)

    assert row.ladder == row.containers[0].ladder
    assert row.ladder is not None
    assert row.ladder.steps


def test_the_gravest_findings_come_first_and_then_the_largest() -> None:
    killed = container(cgroup=cgroup(events={"high": 0, "max": 1, "oom_kill": 2}))
    row = explain_pod(pod(killed), NODE)

    assert [finding.cause for finding in row.findings][:3] == ["oom_kill", "hit_limit", "anon"]


def test_a_sentry_in_the_pods_own_cgroup_is_not_called_a_dead_container() -> None:
    """gVisor under the cgroupfs driver: the app container's cgroup is empty, the pod's holds it all."""
    empty = container(cgroup=idle_cgroup(), sums=ProcessSums())
    held = cgroup(path="/kubepods/pod1", descendants={})
    row = explain_pod(pod(empty, cgroup=held, own_sums=ProcessSums(listed=3, read=3)), NODE)

    causes = {finding.cause for finding in row.findings}
    assert "dead_containers" not in causes
    assert "pod_processes" in causes
    assert row.verdict.startswith("Its app containers have a working set of 0 B. 160 MiB more is charged to")


def test_kernel_memory_that_gone_containers_left_in_the_pod_is_told_by_whether_it_goes() -> None:
    """An init container that unpacked files leaves their names, one that pinned BPF maps leaves those."""
    stat = {"kernel": 260 * MIB, "slab_reclaimable": 202 * MIB, "slab": 203 * MIB, "vmalloc": 50 * MIB}
    held = cgroup(QUIET_CURRENT + 250 * MIB, stat, path="/kubepods/pod1", descendants={})
    quiet = cgroup(stat={"kernel": 10 * MIB, "slab_reclaimable": 2 * MIB})
    row = explain_pod(pod(container(cgroup=quiet), cgroup=held), NODE)

    assert (
        "200 MiB more is the kernel's caches of files, charged to the pod by containers that" in row.verdict
    )
    assert "50 MiB more is kernel memory that is charged to the pod and to none of its" in row.verdict


def test_what_a_containers_monitor_is_charged_for_is_told() -> None:
    """CRI-O with conmon_cgroup = "pod": conmon writes the container's log, whose page cache it pays for."""
    monitor = container("app", role="conmon", id="m", cgroup=idle_cgroup(90 * MIB, file=90 * MIB))
    row = explain_pod(pod(container(), monitor), NODE)

    assert "90 MiB more is charged to CRI-O's monitors in this pod (conmon)." in row.verdict


def test_of_several_limits_the_one_nearest_to_a_kill_is_told() -> None:
    """One that is full of cache has room for all of it, and next to it an app may be at its end."""
    app = idle_cgroup(430 * MIB, anon=430 * MIB, active_anon=430 * MIB)
    log = idle_cgroup(100 * MIB, file=100 * MIB, inactive_file=100 * MIB)
    of_app = container("app", cgroup=msgspec.structs.replace(app, max_bytes=512 * MIB))
    of_log = container("log", cgroup=msgspec.structs.replace(log, max_bytes=100 * MIB))

    assert "app: 82 MiB is left to its limit of 512 MiB." in explain_pod(pod(of_app, of_log), NODE).verdict


def test_one_node_that_told_nothing_spoils_no_pod() -> None:
    explained = explain(snapshot(pod(), node=None))

    assert explained.pods[0].composition is not None
    assert explained.summary.pods_measured == 1


def test_a_line_that_is_missing_is_named_where_its_term_would_be() -> None:
    stat = {key: value for key, value in QUIET_STAT.items() if key != "sock"}
    bare = cgroup()
    bare.stat.clear()  # type: ignore[union-attr]
    bare.stat.update(stat)  # type: ignore[union-attr]
    row = explain_pod(pod(container(cgroup=bare)), NODE)

    assert ("sock", "stat.sock") in [(item.name, item.missing) for item in row.undecided]
    assert "5 MiB is left open, for these could not be decided: sock." in row.verdict
