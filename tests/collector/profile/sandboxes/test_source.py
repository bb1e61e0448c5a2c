import msgspec
import pytest

from memcollect.errors import ClusterError, UsageError
from memcollect.kubernetes.objects import Pod
from memcollect.profile.sandboxes.source import FEW, RUN_ID, Sandbox, new_run_id, pods_named, with_uid
from memcollect.profile.tools import Tools
from memcollect.testing import PODS, Cluster, Fault, objects

ONE = Sandbox(key="one", namespace="team", pod="one")


def put(state: Cluster, *names: str, namespace: str = "team") -> None:
    for name in names:
        state.put(PODS, objects.pod(namespace, name, node="node-1"))


def pod(uid: str, *containers: str) -> Pod:
    return msgspec.convert(objects.pod("team", "one", uid=uid, containers=containers), Pod)


def test_an_id_of_a_run_is_one_that_a_resumed_run_accepts_and_no_other_has() -> None:
    ids = {new_run_id() for _ in range(50)}
    assert len(ids) == 50
    assert all(RUN_ID.fullmatch(each) for each in ids)


@pytest.mark.parametrize("text", ["", "0123456789a", "012345678", "ABCDEF0123", "0123456789\n", "٠123456789"])
def test_what_is_no_id_of_a_run(text: str) -> None:
    assert not RUN_ID.fullmatch(text)


def test_of_the_named_pods_those_that_are_there(state: Cluster, tools: Tools) -> None:
    put(state, "one", "two", "three")
    put(state, "four", namespace="other")
    assert pods_named(tools, "team", ["one", "gone", "three", "four"]).keys() == {"one", "three"}


def test_of_many_pods_all_of_the_namespace_are_listed_at_once(state: Cluster, tools: Tools) -> None:
    names = [f"pod-{number}" for number in range(FEW + 1)]
    put(state, *names, "another")
    assert pods_named(tools, "team", names).keys() == set(names)
    assert state.requests.paths() == ["/api/v1/namespaces/team/pods"]


def test_nothing_is_asked_for_no_pod(state: Cluster, tools: Tools) -> None:
    assert pods_named(tools, "team", []) == {}
    assert state.requests.paths() == []


@pytest.mark.parametrize("count", [1, FEW + 1])
def test_a_server_that_fails_is_no_absence(state: Cluster, tools: Tools, count: int) -> None:
    state.fault(Fault("/api/v1/namespaces/team/pods", status=500, times=None))
    with pytest.raises(ClusterError):
        pods_named(tools, "team", [f"pod-{number}" for number in range(count)])


def test_a_name_that_would_be_another_path_is_never_asked_for(state: Cluster, tools: Tools) -> None:
    with pytest.raises(UsageError):
        pods_named(tools, "team", ["../../nodes"])
    assert state.requests.paths() == []


def test_a_pod_that_was_seen_gives_its_uid_and_its_first_container() -> None:
    seen = with_uid(ONE, pod("u1", "main", "side"))
    assert (seen.uid, seen.container) == ("u1", "main")
    assert (ONE.uid, ONE.container) == ("", "")


def test_the_container_that_a_plan_names_stays_and_a_new_pod_of_the_name_has_its_own_uid() -> None:
    named = Sandbox(key="one", namespace="team", pod="one", container="side")
    first = with_uid(named, pod("u1", "main", "side"))
    again = with_uid(first, pod("u2", "main", "side"))
    assert (first.container, again.container, again.uid) == ("side", "side", "u2")


def test_a_pod_without_containers_leaves_the_clusters_default() -> None:
    assert with_uid(ONE, pod("u1")).container == ""
