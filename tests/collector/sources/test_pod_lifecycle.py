from collections.abc import Iterator

import pytest

from memcollect.errors import AnswerError, DeniedError
from memcollect.sources import kube_config
from memcollect.sources.api import Api, Patience
from memcollect.sources.pod_lifecycle import FEW, create_pod, delete_pod, get_pod, images_pulled
from memcollect.testing import EVENTS, NAMESPACES, PODS, Cluster, Fault, objects

MANIFEST = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "mc-1", "labels": {"memcollect/run": "abc"}},
    "spec": {"containers": [{"name": "main", "image": "x"}]},
}


@pytest.fixture
def api(cluster: kube_config.Cluster, state: Cluster, pauses: list[float]) -> Iterator[Api]:
    state.put(NAMESPACES, objects.namespace("team"))
    with Api(cluster, Patience(timeout=1.0, total=60.0), pauses.append) as api:
        yield api


def test_a_pod_is_made_and_deleted(api: Api) -> None:
    pod = create_pod(api, "team", MANIFEST)
    assert get_pod(api, "team", "mc-1") == pod
    assert delete_pod(api, "team", "mc-1", pod.metadata.uid)
    assert get_pod(api, "team", "mc-1") is None


def test_deleting_what_is_gone_is_no_fault(api: Api) -> None:
    assert not delete_pod(api, "team", "mc-1", "uid")


def test_another_pod_of_the_same_name_stays(api: Api, state: Cluster) -> None:
    state.put(PODS, objects.pod("team", "mc-1", uid="somebody-elses"))
    assert not delete_pod(api, "team", "mc-1", "mine")
    assert get_pod(api, "team", "mc-1") is not None


def test_a_creation_whose_answer_was_lost_finds_its_own_pod(api: Api, state: Cluster) -> None:
    pods = "/api/v1/namespaces/team/pods"
    state.fault(Fault(f"{pods}$", method="POST", truncate_after_bytes=10))
    assert create_pod(api, "team", MANIFEST).metadata.name == "mc-1"
    assert [each.method for each in state.requests][:2] == ["POST", "POST"]


def test_somebody_elses_pod_of_that_name_is_not_taken_for_it(api: Api, state: Cluster) -> None:
    state.put(PODS, objects.pod("team", "mc-1"))
    with pytest.raises(AnswerError):
        create_pod(api, "team", MANIFEST)


def test_a_creation_that_is_denied(api: Api, state: Cluster) -> None:
    state.access.deny("create", "pods")
    with pytest.raises(DeniedError, match="create pods in namespace team"):
        create_pod(api, "team", MANIFEST)


THERE, PULLED = 'Container image "x" already present on machine', 'Successfully pulled image "x" in 2s'


def tell(state: Cluster, uid: str, *messages: str, reason: str = "Pulled") -> None:
    pod = objects.pod("team", f"pod-{uid}", uid=uid)
    for message in messages:
        state.put(EVENTS, objects.event(pod, reason, message, "2026-01-01T00:00:00Z"))


@pytest.mark.parametrize("others", [0, FEW])
def test_the_kubelets_events_tell_a_pull(api: Api, state: Cluster, others: int) -> None:
    tell(state, "there", THERE)
    tell(state, "pulled", PULLED)
    tell(state, "pulled-one", THERE, PULLED)
    tell(state, "never", "Pulling image", reason="Pulling")
    tell(state, "somebody-elses", PULLED)
    more = [f"other-{number}" for number in range(others)]
    assert images_pulled(api, "team", ["there", "pulled", "pulled-one", "never", *more]) == {
        "there": False,
        "pulled": True,
        "pulled-one": True,
        "never": None,
        **dict.fromkeys(more),
    }


def test_of_many_pods_the_events_are_listed_once(api: Api, state: Cluster) -> None:
    uids = [f"uid-{number}" for number in range(40)]
    for uid in uids:
        tell(state, uid, THERE)
    assert images_pulled(api, "team", uids) == dict.fromkeys(uids, False)
    assert state.requests.paths().count("/api/v1/namespaces/team/events") == 1


def test_without_the_right_to_list_events_nothing_is_known(api: Api, state: Cluster) -> None:
    tell(state, "uid", PULLED)
    state.access.deny("list", "events")
    assert images_pulled(api, "team", ["uid"]) == {"uid": None}
