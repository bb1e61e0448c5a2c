from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from memcollect.documents.snapshot import Container, Pod
from memcollect.join import ClusterFacts, Failure, join_node
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.usage import Metrics
from memcollect_agent.wire import NodeSample, Problem, ProcessSums, SkippedProcess
from worlds.join_builders import (
    MIB,
    NO_METRICS,
    NODE,
    UID,
    Described,
    answer,
    measured,
    measured_pod,
    pause,
    pod,
    usage,
    waiting,
)

HASH = "f00dfeedf00dfeedf00dfeedf00dfeed"
REFUSED = Failure("agent-refused", "Nothing listens there: see `kubectl get pods -n memcollect`.")


def joined_one(
    described: kube.Pod, sample: NodeSample | Failure, facts: ClusterFacts = NO_METRICS
) -> tuple[bool, str, list[tuple[str, str]]]:
    """Return whether the pod was measured, why not, and (reason, detail) of what is missing."""
    joined = join_node(NODE, [described], sample, facts)
    (row,) = joined.pods
    return row.cgroup is not None, row.unmeasured, [(each.reason, each.detail) for each in joined.missing]


def test_a_pod_is_joined_by_its_uid() -> None:
    other = "00000000-0000-4000-8000-000000000001"
    sample = answer(measured_pod(measured("a"), pause()), measured_pod(measured("b"), uid=other))
    joined = join_node(NODE, [pod([Described("app", "a")])], sample, NO_METRICS)
    (row,) = joined.pods
    assert (row.uid, row.namespace, row.name, row.node) == (UID, "deer-flow", "sandbox-1", NODE)
    assert [(each.name, each.role) for each in row.containers] == [("app", "container"), ("pause", "pause")]
    assert joined.missing == []


def test_a_static_pod_is_joined_by_its_config_hash() -> None:
    mirror = kube.Metadata(
        name="etcd-node-1",
        namespace="kube-system",
        uid="3f3f3f3f-0000-4000-8000-000000000000",
        annotations=kube.Annotations(config_hash=HASH, config_source="file", config_mirror=HASH),
    )
    sample = answer(measured_pod(measured("a"), pause(), uid=HASH))
    joined = join_node(NODE, [pod([Described("etcd", "a")], metadata=mirror)], sample, NO_METRICS)
    (row,) = joined.pods
    assert row.cgroup is not None
    assert row.uid == mirror.uid
    assert joined.missing == []


def test_the_node_has_the_name_that_kubernetes_gives_it() -> None:
    joined = join_node(NODE, [], answer(), NO_METRICS)
    assert joined.node is not None
    assert joined.node.name == NODE


def test_pods_of_an_agent_that_nobody_asked_for_are_no_rows() -> None:
    joined = join_node(NODE, [], answer(measured_pod(measured("a"))), NO_METRICS)
    assert (joined.pods, joined.missing) == ([], [])


def test_without_an_agent_every_pod_is_a_row_and_missing_with_the_remedy() -> None:
    pods = [pod([Described("app", "a")], name=f"sandbox-{n}", uid=f"uid-{n}") for n in range(3)]
    joined = join_node(NODE, pods, REFUSED, NO_METRICS)
    assert [row.unmeasured for row in joined.pods] == [REFUSED.detail] * 3
    assert [(each.name, each.reason, each.node) for each in joined.missing] == [
        (f"deer-flow/sandbox-{n}", "agent-refused", NODE) for n in range(3)
    ]
    assert joined.node is None


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
@pytest.mark.parametrize("sample", [answer(), REFUSED])
def test_a_finished_pod_holds_nothing_and_is_not_missing(phase: str, sample: NodeSample | Failure) -> None:
    measured_, why, missing = joined_one(pod([Described("app", "a")], phase=phase), sample)
    assert (measured_, missing) == (False, [])
    assert "finished" in why


def test_a_pod_on_no_node_says_what_the_scheduler_said() -> None:
    condition = kube.Condition(
        type="PodScheduled", status="False", reason="Unschedulable", message="0/3 nodes are available"
    )
    described = pod([Described("app")], node=None, phase="Pending", conditions=[condition])
    joined = join_node(None, [described], Failure("pending", ""), NO_METRICS)
    (gone,) = joined.missing
    assert (gone.reason, gone.node) == ("pending", None)
    assert "0/3 nodes are available" in gone.detail


def test_a_pod_whose_containers_are_not_made_yet_is_pending() -> None:
    described = pod([Described("app", None, waiting())], phase="Pending")
    assert joined_one(described, answer())[2][0][0] == "pending"
    assert "kubectl describe" in joined_one(described, answer())[2][0][1]


@pytest.mark.parametrize("reason", ["ContainerCreating", "PodInitializing"])
def test_a_pod_whose_cgroup_alone_was_made_is_pending_too(reason: str) -> None:
    # The kubelet makes it before it waits for volumes, and the pause container before it pulls images.
    described = pod([Described("app", None, waiting(reason))], phase="Pending")
    measured_, unmeasured, (gap,) = joined_one(described, answer(measured_pod(pause())))
    assert measured_
    assert gap == ("pending", unmeasured)
    assert unmeasured.startswith("its containers were not made yet; see `kubectl describe pod")


def test_a_pod_that_waits_for_an_image_is_told_by_its_container_alone() -> None:
    described = pod([Described("app", None, waiting("ErrImagePull"))], phase="Pending")
    _, unmeasured, gaps = joined_one(described, answer(measured_pod(pause())))
    assert unmeasured == "none of its containers runs"
    assert [reason for reason, _ in gaps] == ["not-running"]


def test_of_a_pod_without_a_cgroup_is_not_said_that_it_ended() -> None:
    ((reason, detail),) = joined_one(pod([Described("app", "a")]), answer())[2]
    assert reason == "no-cgroup"
    assert "ended" not in detail


def test_a_pod_being_deleted_is_measured_as_long_as_its_cgroup_is_there() -> None:
    metadata = kube.Metadata(
        name="sandbox-1", namespace="deer-flow", uid=UID, deletion_timestamp="2026-01-01T00:00:00Z"
    )
    described = pod([Described("app", "a")], metadata=metadata)
    assert joined_one(described, answer(measured_pod(measured("a"), pause())))[0]
    ((reason, detail),) = joined_one(described, answer())[2]
    assert reason == "gone"
    assert "being deleted" in detail


def test_deletion_and_the_limits_of_the_pod_as_a_whole_are_kept() -> None:
    said = msgspec.convert(
        {
            "metadata": {"name": "sandbox-1", "uid": UID, "deletionTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"nodeName": NODE, "resources": {"limits": {"memory": "1Gi"}}},
        },
        kube.Pod,
    )
    (row,) = join_node(NODE, [said], answer(), NO_METRICS).pods

    assert row.deletion is not None
    assert row.deletion.due == "2026-01-01T00:00:00Z"
    assert row.limits == {"memory": "1Gi"}


def test_what_the_agent_says_of_a_pod_it_could_not_read_is_the_reason() -> None:
    budget = Problem(kind="pod", name=UID, reason="budget", detail="the time budget was spent")
    unread = joined_one(pod([Described("app", "a")]), answer(problems=[budget]))
    assert unread == (False, "the time budget was spent", [("budget", "the time budget was spent")])


def test_a_pod_that_the_agent_did_not_find_is_missing_once() -> None:
    told = Problem(kind="pod", name=UID, reason="not-found", detail="no cgroup of it")
    assert [reason for reason, _ in joined_one(pod([Described("app", "a")]), answer(problems=[told]))[2]] == [
        "no-cgroup"
    ]


def test_a_problem_of_a_pod_that_was_measured_all_the_same_is_not_lost() -> None:
    told = Problem(kind="pod", name=UID, reason="denied", detail="cgroup.procs: denied")
    sample = answer(measured_pod(measured("a"), pause()), problems=[told])
    was_measured, _, missing = joined_one(pod([Described("app", "a")]), sample)
    assert was_measured
    assert missing == [("denied", "cgroup.procs: denied; run as root, or give the agent SYS_PTRACE")]


def test_problems_of_the_node_are_missing_with_its_name() -> None:
    told = Problem(kind="request", name="history", reason="unsupported", detail="keeps none")
    joined = join_node(NODE, [], answer(problems=[told]), NO_METRICS)
    assert [(each.kind, each.name, each.node) for each in joined.missing] == [("request", "history", NODE)]


def test_unread_processes_bear_their_pods_name_their_number_and_the_remedy_once() -> None:
    why = "the kernel refused: give the agent the capability SYS_PTRACE"
    containers = [
        replace(
            measured(id_),
            sums=ProcessSums(
                listed=count,
                skipped=[SkippedProcess(pid=pid, reason="denied", detail=why) for pid in range(count)],
            ),
        )
        for id_, count in (("a", 3), ("b", 2))
    ]
    told = [
        Problem(kind="process", name=each.cgroup.path, reason="denied", detail="some of its processes …")
        for each in containers
    ]
    joined = join_node(
        NODE,
        [pod([Described("app", "a"), Described("web", "b")])],
        answer(measured_pod(*containers), problems=told),
        NO_METRICS,
    )
    (missing,) = joined.missing
    assert (missing.name, missing.processes, missing.detail) == ("deer-flow/sandbox-1", 5, why)


def test_a_pod_in_two_states_is_what_its_cgroup_shows() -> None:
    """The list is older than the sample: it says Pending while the containers already run."""
    described = pod([Described("app", None, waiting())], phase="Pending")
    row = join_node(NODE, [described], answer(measured_pod(measured("a"), pause())), usage(app=MIB)).pods[0]
    assert row.cgroup is not None
    assert row.phase == "Pending"
    assert row.containers[0].id == "a"


def test_the_runtime_is_the_class_and_its_handler() -> None:
    facts = ClusterFacts(metrics=Metrics(), handlers={"sandboxed": "runsc"})
    described = pod([Described("app", "a")], runtime_class="sandboxed")
    (row,) = join_node(NODE, [described], answer(), facts).pods
    assert (row.runtime.family, row.runtime.handler) == ("gvisor", "runsc")


@pytest.mark.parametrize("name", ["\x1b]0;x\x07", "../../etc", "a\nb", "x" * 300, "\u202eevil"])
def test_hostile_names_pass_unharmed(name: str) -> None:
    metadata = kube.Metadata(name=name, namespace=name, uid=UID)
    joined = join_node(NODE, [pod([Described("app", "a")], metadata=metadata)], REFUSED, NO_METRICS)
    assert joined.pods[0].name == name
    assert joined.missing[0].name == f"{name}/{name}"


def test_every_missing_entry_has_a_sentence() -> None:
    pods = [
        pod([Described("app", "a")], uid="u1", name="p1"),
        pod([Described("app", "a")], uid="u2", name="p2", phase="Pending"),
        pod([Described("app", "a"), Described("b", "b")], uid=UID, name="p3"),
    ]
    joined = join_node(NODE, pods, answer(measured_pod(measured("a"), pause())), NO_METRICS)
    assert len(joined.missing) == 3
    assert all(len(each.detail.split()) > 5 and each.reason for each in joined.missing)


PODS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 8), st.sampled_from([None, 0, 1, 5])),
    min_size=1,
    unique_by=lambda each: each[0],
)


@given(PODS, st.data())
def test_another_pod_beside_it_changes_no_number_of_a_pod_nor_does_their_order(
    sizes: list[tuple[int, int, int | None]], data: st.DataObject
) -> None:
    described_ones = {
        n: pod([Described("app", f"a{n}")], name=f"sandbox-{n}", uid=f"uid-{n}") for n, _, _ in sizes
    }
    cgroups = {
        n: measured_pod(measured(f"a{n}", working_set=size * MIB), uid=f"uid-{n}") for n, size, _ in sizes
    }
    tops = {
        n: usage(name=f"sandbox-{n}", app=shown * MIB).metrics.pods
        for n, _, shown in sizes
        if shown is not None
    }

    def rows(numbers: Sequence[int]) -> dict[str, Pod]:
        facts = ClusterFacts(
            metrics=Metrics(pods={key: one for n in numbers if n in tops for key, one in tops[n].items()})
        )
        joined = join_node(
            NODE, [described_ones[n] for n in numbers], answer(*(cgroups[n] for n in numbers)), facts
        )
        return {row.name: row for row in joined.pods}

    all_of_them = rows(data.draw(st.permutations([n for n, _, _ in sizes])))
    for n, _, _ in sizes:
        (alone,) = rows([n]).values()
        beside = all_of_them[f"sandbox-{n}"]
        assert numbers(beside) == numbers(alone)


def numbers(row: Pod) -> list[tuple[str, int | None, int | None]]:
    """Return what a pod and its containers have, by its cgroups and by kubectl top."""
    scopes: list[Pod | Container] = [row, *row.containers]
    return [
        (
            each.name,
            each.cgroup.current_bytes if each.cgroup else None,
            each.top.memory_bytes if each.top else None,
        )
        for each in scopes
    ]
