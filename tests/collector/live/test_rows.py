from memcollect.documents.snapshot import Container, Pod, Top
from memcollect.join.series import Series
from memcollect.live.rows import Use, row_of
from memcollect_agent.wire import Cgroup
from worlds.builders import MIB, NODE, cgroup, container, pause, pod


def _pod_cgroup(**more: object) -> Cgroup:
    return cgroup(path="/kubepods/pod1", **more)  # type: ignore[arg-type]


def test_a_row_has_the_numbers_and_names_of_its_pod() -> None:
    row = row_of(pod(container(), pause(), namespace="deer-flow"), NODE, {})
    assert (row.full_name, row.node, row.unmeasured) == ("deer-flow/sandbox-1", "node-1", "")
    assert row.parts is not None
    assert row.parts.working_set_bytes == 157 * MIB


def test_the_change_is_over_the_containers_that_kubectl_top_adds_up() -> None:
    grown = Series([1.0, 3.0], [10 * MIB, 12 * MIB])
    apps = [container(cgroup=cgroup(inode=7)), Container(name="pause", role="pause", cgroup=cgroup(inode=8))]
    row = row_of(pod(*apps), NODE, {7: grown, 8: Series([1.0, 3.0], [0, 99 * MIB])})
    assert row.growth is not None
    assert row.growth.change_bytes == 2 * MIB


def test_without_the_points_of_one_container_there_is_no_change() -> None:
    apps = [container("a", cgroup=cgroup(inode=7)), container("b", cgroup=cgroup(inode=9))]
    assert row_of(pod(*apps), NODE, {7: Series([1.0, 3.0], [1, 2])}).growth is None


def test_the_pods_own_limit_is_used_against_its_own_charge() -> None:
    row = row_of(pod(container(), cgroup=_pod_cgroup(current=50 * MIB, max_bytes=100 * MIB)), NODE, {})
    assert row.use == Use(current_bytes=50 * MIB, limit=100 * MIB)
    assert row.use.share == 0.5


def test_a_container_that_is_nearer_to_its_limit_than_the_pod_is_shown_by_name() -> None:
    near = container("near", cgroup=cgroup(90 * MIB, max_bytes=100 * MIB))
    whole = _pod_cgroup(current=100 * MIB, max_bytes=1000 * MIB)
    row = row_of(pod(near, container("far"), cgroup=whole), NODE, {})
    assert row.use == Use(current_bytes=90 * MIB, limit=100 * MIB, container="near")


def test_the_only_containers_limit_needs_no_name() -> None:
    only = container(cgroup=cgroup(90 * MIB, max_bytes=100 * MIB))
    assert row_of(pod(only), NODE, {}).use.container == ""


def test_no_limit_has_no_share_and_neither_has_an_unknown_one() -> None:
    assert Use(current_bytes=5, limit="max").share is None
    assert Use(current_bytes=5, limit=None).share is None
    assert Use(current_bytes=None, limit=5).share is None


def test_a_limit_of_nothing_has_no_share() -> None:
    assert Use(current_bytes=5, limit=0).share is None


def test_oom_kills_are_the_pods_own_count_for_a_dead_containers_is_lost() -> None:
    row = row_of(pod(cgroup=_pod_cgroup(events={"oom_kill": 3})), NODE, {})
    assert row.oom_kills == 3


def test_kernels_without_the_event_leave_the_kills_unknown() -> None:
    assert row_of(pod(cgroup=_pod_cgroup(events=None)), NODE, {}).oom_kills is None


def test_kubectl_tops_number_comes_with_its_time_and_its_absence_with_its_reason() -> None:
    known = Top(source="metrics.k8s.io", memory_bytes=5, timestamp=9.0, detail="agrees")
    row = row_of(pod(top=known), NODE, {})
    assert (row.top_bytes, row.top_at, row.top_detail) == (5, 9.0, "")
    row = row_of(pod(top=Top(source="metrics.k8s.io", detail="too young")), NODE, {})
    assert (row.top_bytes, row.top_detail) == (None, "too young")


def test_a_finished_pod_is_told_apart() -> None:
    finished = Pod(uid="u", name="job", phase="Succeeded", unmeasured="it has finished and holds no memory")
    row = row_of(finished, NODE, {})
    assert row.finished
    assert (row.parts, row.growth, row.use) == (None, None, Use())
