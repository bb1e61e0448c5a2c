from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from memcollect.documents.snapshot import Container, Waiting
from memcollect.join.containers import described, join_containers, outside_of
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.objects import ContainerStatus, Pod
from memcollect_agent.wire import Container as Measured
from memcollect_agent.wire import Hint, Process, ProcessSums
from worlds.join_builders import (
    Described,
    cgroup,
    ended,
    measured,
    measured_pod,
    pause,
    pod,
    running,
    waiting,
)


def roles(containers: list[Container]) -> list[tuple[str, str | None, str]]:
    return [(each.name, each.id, each.role) for each in containers]


def test_containers_are_matched_by_id_and_the_pause_container_is_the_node_own() -> None:
    containers, missing = join_containers(
        pod([Described("app", "a"), Described("helper", "h")]), [pause(), measured("h"), measured("a")]
    )
    assert roles(containers) == [
        ("app", "a", "container"),
        ("helper", "h", "container"),
        ("pause", "pause", "pause"),
    ]
    assert [each.cgroup.path.rpartition("-")[2] for each in containers if each.cgroup] == ["a", "h", "pause"]
    assert missing == []


def test_roles_of_init_sidecar_and_ephemeral_containers() -> None:
    containers, missing = join_containers(
        pod(
            [Described("app", "a")],
            init=[
                Described("fill", "f", ended()),
                Described("proxy", "p", restart_policy="Always"),
            ],
            ephemeral=[Described("debugger", "d")],
        ),
        [measured("a"), measured("p"), measured("d"), pause()],
    )
    assert [(each.name, each.role, each.cgroup is not None) for each in containers] == [
        ("app", "container", True),
        ("fill", "init", False),
        ("proxy", "container", True),
        ("debugger", "ephemeral", True),
        ("pause", "pause", True),
    ]
    assert missing == []


def test_a_running_container_without_a_cgroup_is_missing() -> None:
    containers, (gone,) = join_containers(
        pod([Described("app", "a"), Described("helper", "h")]), [measured("a"), pause()]
    )
    assert [each.name for each in containers] == ["app", "helper", "pause"]
    assert (gone.kind, gone.name, gone.reason) == ("container", "deer-flow/sandbox-1/helper", "no-cgroup")
    assert "no cgroup of its id" in gone.detail


@pytest.mark.parametrize("state", [waiting(), ended(1, "Error")])
def test_a_container_that_does_not_run_is_no_gap(state: object) -> None:
    containers, missing = join_containers(
        pod([Described("app", "a"), Described("helper", "old", state)]),  # type: ignore[arg-type]
        [measured("a"), pause()],
    )
    assert missing == []
    assert containers[1].state in {"waiting", "terminated"}


@pytest.mark.parametrize("reason", ["CrashLoopBackOff", "ImagePullBackOff", "CreateContainerError"])
def test_a_container_that_should_run_and_does_not_is_missing_in_the_kubelets_words(reason: str) -> None:
    crashing = Described("helper", "old", waiting(reason))
    last = kube.ContainerState(terminated=kube.Terminated(exit_code=137, reason="OOMKilled"))
    crashing.status = msgspec.structs.replace(crashing.status, last_state=last)

    containers, (missing,) = join_containers(pod([Described("app", "a"), crashing]), [measured("a"), pause()])

    assert (missing.kind, missing.reason) == ("container", "not-running")
    assert missing.detail == (
        f"it does not run: {reason}, it last ended OOMKilled (exit code 137); see `kubectl describe pod"
        " -n deer-flow sandbox-1`"
    )
    assert containers[1].waiting == Waiting(reason=reason)


def test_a_limit_that_is_not_in_force_yet_is_kept_beside_the_one_that_is() -> None:
    resized = Described("app", "a")
    resized.spec = msgspec.structs.replace(resized.spec, resources=kube.Resources(limits={"memory": "512Mi"}))
    resized.status = msgspec.structs.replace(
        resized.status, resources=kube.Resources(limits={"memory": "1Gi"})
    )

    (app, _), _ = join_containers(pod([resized]), [measured("a"), pause()])

    assert (app.limits, app.wanted_limits) == ({"memory": "1Gi"}, {"memory": "512Mi"})


def test_a_limit_that_the_kubelet_writes_by_another_unit_is_no_resize_and_keeps_the_specs_words() -> None:
    written, told = {"memory": "500M", "cpu": "1500m"}, {"memory": "500000000", "cpu": "1.5"}
    same = Described("app", "a")
    same.spec = msgspec.structs.replace(same.spec, resources=kube.Resources(requests=written, limits=written))
    same.status = msgspec.structs.replace(same.status, resources=kube.Resources(requests=told, limits=told))

    (app, _), _ = join_containers(pod([same]), [measured("a"), pause()])

    assert (app.requests, app.limits, app.wanted_limits) == (written, written, {})


def test_what_a_resize_leaves_as_it_is_keeps_the_specs_words() -> None:
    resized = Described("app", "a")
    wanted = {"memory": "500M", "cpu": "2"}
    resized.spec = msgspec.structs.replace(resized.spec, resources=kube.Resources(limits=wanted))
    resized.status = msgspec.structs.replace(
        resized.status, resources=kube.Resources(limits={"memory": "500000000", "cpu": "1"})
    )

    (app, _), _ = join_containers(pod([resized]), [measured("a"), pause()])

    assert (app.limits, app.wanted_limits) == ({"memory": "500M", "cpu": "1"}, wanted)


def test_a_container_restarted_between_the_two_reads_is_found_by_elimination() -> None:
    containers, missing = join_containers(
        pod([Described("app", "old"), Described("helper", "h")]), [measured("h"), measured("new"), pause()]
    )
    assert roles(containers)[0] == ("app", "new", "container")
    assert missing == []


def test_since_when_the_new_run_runs_its_old_status_does_not_say() -> None:
    since = "2026-01-01T00:00:00Z"
    old, helper = Described("app", "old", running(since)), Described("helper", "h", running(since))
    containers, _ = join_containers(pod([old, helper]), [measured("h"), measured("new"), pause()])

    assert [(each.name, each.started_at) for each in containers[:2]] == [("app", None), ("helper", since)]


def test_two_restarted_containers_cannot_be_told_apart() -> None:
    containers, missing = join_containers(
        pod([Described("app", "old"), Described("helper", "older")]),
        [measured("new"), measured("newer"), pause()],
    )
    assert [each.role for each in containers if each.name in {"new", "newer"}] == ["unknown", "unknown"]
    assert [each.name for each in missing] == ["deer-flow/sandbox-1/app", "deer-flow/sandbox-1/helper"]


def test_the_cgroup_of_a_restarted_init_container_is_not_the_waiting_apps() -> None:
    containers, _ = join_containers(
        pod([Described("app", None, waiting())], init=[Described("fill", "old", ended(1, "Error"))]),
        [measured("new"), pause()],
    )
    assert [(each.name, each.role) for each in containers if each.cgroup] == [
        ("new", "unknown"),
        ("pause", "pause"),
    ]


def test_a_container_is_restarted_although_its_init_container_is_through() -> None:
    containers, _ = join_containers(
        pod([Described("app", "old")], init=[Described("fill", "f", ended())]), [measured("new"), pause()]
    )
    assert roles(containers)[0] == ("app", "new", "container")


def test_the_pause_container_is_found_by_elimination_whatever_runs_in_it() -> None:
    containers, _ = join_containers(pod([Described("app", "a")]), [measured("a"), measured("sandbox")])
    assert roles(containers)[1] == ("pause", "sandbox", "pause")


def test_the_only_cgroup_left_is_not_the_pause_container_while_another_container_lacks_its_own() -> None:
    containers, missing = join_containers(
        pod([Described("app", "old"), Described("helper", "h")]), [measured("h"), measured("new")]
    )
    assert roles(containers)[2] == ("new", "new", "unknown")
    assert [each.name for each in missing] == ["deer-flow/sandbox-1/app"]


def test_of_several_cgroups_that_nobody_describes_none_is_guessed() -> None:
    containers, _ = join_containers(
        pod([Described("app", "a")]), [measured("a"), measured("x"), measured("y")]
    )
    assert [each.role for each in containers] == ["container", "unknown", "unknown"]


def test_crio_monitors_have_their_containers_ids_and_take_no_ones_place() -> None:
    containers, missing = join_containers(
        pod([Described("app", "a")]),
        [measured("a"), measured("a", "conmon"), measured("s"), measured("s", "conmon")],
    )
    assert roles(containers) == [
        ("app", "a", "container"),
        ("a", "a", "conmon"),
        ("pause", "s", "pause"),
        ("s", "s", "conmon"),
    ]
    assert containers[0].cgroup is not None
    assert containers[0].cgroup.path.endswith("container-a")
    assert missing == []


def test_a_cgroup_of_unknown_shape_keeps_its_own_name() -> None:
    containers, _ = join_containers(
        pod([Described("app", "a")]), [measured("a"), pause(), measured(None, "unknown")]
    )
    assert (containers[2].name, containers[2].id, containers[2].role) == ("unknown-None", None, "unknown")


def test_how_it_last_ended_is_the_latest_ending() -> None:
    both = ContainerStatus(
        name="app", state=ended(137, "OOMKilled", "2026-01-02"), last_state=ended(1, "Error", "2026-01-01")
    )
    earlier = Described("app", "a")
    earlier.status = both
    (container, *_), _ = join_containers(pod([earlier]), [])
    assert container.last_termination is not None
    assert (container.last_termination.reason, container.last_termination.exit_code) == ("OOMKilled", 137)


def test_a_container_without_a_status_yet_is_a_row_of_unknown_state() -> None:
    bare = Pod(metadata=pod().metadata, spec=pod([Described("app")]).spec)
    (container,), missing = join_containers(bare, [])
    assert (container.state, container.restarts, container.cgroup) == (None, None, None)
    assert missing == []


@pytest.mark.parametrize("name", ["pause", "a/b", "\x1b[31m", "", "名"])
def test_hostile_names_are_kept_as_they_are(name: str) -> None:
    containers, _ = join_containers(pod([Described(name, "a")]), [measured("a"), pause()])
    assert [(each.name, each.role) for each in containers] == [(name, "container"), ("pause", "pause")]


def test_described_goes_through_all_three_lists() -> None:
    found = list(described(pod([Described("a")], init=[Described("b")], ephemeral=[Described("c")])))
    assert [(each.spec.name, each.role, each.runs) for each in found] == [
        ("a", "container", True),
        ("b", "init", True),
        ("c", "ephemeral", True),
    ]


IDS = st.sampled_from(["a", "b", "c", "d", "pause", "gone"])
DESCRIBED = st.lists(
    st.tuples(
        st.sampled_from(["one", "two", "three"]), IDS, st.sampled_from([None, waiting(), ended(), ended(1)])
    ),
    unique_by=(lambda each: each[0], lambda each: each[1]),
)
MEASURED = st.lists(
    st.tuples(IDS, st.sampled_from(["container", "container", "pause", "sandbox", "conmon", "unknown"])),
    unique=True,
)


def placed(containers: Sequence[Container]) -> list[tuple[str, str, str, bool]]:
    return sorted((c.name, c.role, c.cgroup.path, c.elsewhere) for c in containers if c.cgroup)


@given(DESCRIBED, MEASURED, st.data())
def test_every_cgroup_is_told_once_whatever_was_restarted_and_in_whatever_order(
    said: list[tuple[str, str, kube.ContainerState | None]],
    found: list[tuple[str, str]],
    data: st.DataObject,
) -> None:
    described_ones = [Described(name, id_, state) for name, id_, state in said]
    cgroups = [measured(id_, role) for id_, role in found]
    strays = cgroups[:1]
    containers, missing = join_containers(pod(described_ones), cgroups, strays=strays)
    assert sorted(path for _, _, path, _ in placed(containers)) == sorted(c.cgroup.path for c in cgroups)
    assert [c.cgroup.path for c in strays] == [path for _, _, path, away in placed(containers) if away]

    # One id that is in two cgroups has no order of its own; the later is the container's.
    assume(
        len({id_ for id_, role in found if role != "conmon"}) == sum(role != "conmon" for _, role in found)
    )
    shuffled = pod(data.draw(st.permutations(described_ones)))
    again, still_missing = join_containers(shuffled, data.draw(st.permutations(cgroups)), strays=strays)
    assert placed(again) == placed(containers)
    assert {each.name for each in still_missing} == {each.name for each in missing}


def test_what_kubernetes_and_the_node_say_of_a_container_is_all_told() -> None:
    app = Described("app", "a")
    wanted = kube.Resources(requests={"memory": "64Mi"}, limits={"memory": "1Gi"})
    app.spec = msgspec.structs.replace(app.spec, resources=wanted)
    app.status = msgspec.structs.replace(app.status, image_id="sha256:1", restart_count=3)
    hints = [Hint(kind="vmm", pid=7, program="qemu", by="exe")]
    processes = [Process(pid=7, ppid=1, start_time=0)]
    found = msgspec.structs.replace(measured("a"), hints=hints, processes=processes)
    undescribed = msgspec.structs.replace(found, id="x", cgroup=measured("x").cgroup)

    (told, left), _ = join_containers(pod([app]), [found, undescribed])
    assert (told.image, told.image_id, told.restarts) == ("image/app", "sha256:1", 3)
    assert (told.requests, told.limits) == ({"memory": "64Mi"}, {"memory": "1Gi"})
    for each in (told, left):
        assert (each.hints, each.processes, each.sums) == (hints, processes, found.sums)


def test_a_container_that_ended_well_but_is_no_init_container_may_be_restarted() -> None:
    containers, _ = join_containers(pod([Described("app", "old", ended(0))]), [measured("new"), pause()])
    assert roles(containers)[0] == ("app", "new", "container")


def test_what_is_outside_of_the_pods_cgroup_is_named_by_where_it_is_and_told_whole() -> None:
    found = Measured(
        id="s",
        role="overhead",
        cgroup=cgroup("/kata_overhead/s"),
        sums=ProcessSums(listed=1, read=1),
        hints=[Hint(kind="vmm", pid=7, program="qemu", by="exe")],
        processes=[Process(pid=7, ppid=1, start_time=0)],
    )
    (told,) = outside_of(msgspec.structs.replace(measured_pod(), outside=[found]))
    assert told.name == "kata_overhead"
    for name in ("id", "role", "cgroup", "sums", "hints", "processes"):
        assert getattr(told, name) == getattr(found, name)
    assert outside_of(None) == []


def test_a_container_in_a_guest_says_so_where_the_host_has_none_of_it_and_one_runs() -> None:
    said = [Described("app", "a"), Described("helper", "h"), Described("later", None, waiting())]
    containers, missing = join_containers(pod(said), [measured("h"), pause()], inside="in a guest")
    assert [each.inside for each in containers] == ["in a guest", "", "", ""]
    assert [each.state for each in containers] == ["running", "running", "waiting", None]
    assert missing == []
