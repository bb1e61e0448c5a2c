"""That something ended is said only where the API, asked once more, says so too."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from memcollect.documents.snapshot import Missing
from memcollect.join import NO_CGROUP
from memcollect.kubernetes import objects as kube
from memcollect.sources.api import Api, Patience
from memcollect.sources.kube_config import connect
from memcollect.sources.pods import read_pod
from memcollect.taking import again
from memcollect.testing import PODS, Cluster, Fault, StandInCluster, objects

GAP = Missing(kind="pod", name="team/a", node="n1", reason=NO_CGROUP, detail="it has no cgroup")
OF_CONTAINER = Missing(kind="container", name="team/a/app", node="n1", reason=NO_CGROUP, detail="no cgroup")


class Site:
    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.state = Cluster()
        server = stack.enter_context(StandInCluster(self.state))
        patience = Patience(timeout=0.5, total=1.0)
        self.api = stack.enter_context(Api(connect(str(server.kubeconfig(directory / "config"))), patience))
        self.put("a", "id-1")

    def put(self, uid: str, container: str, **status: object) -> None:
        pod = objects.pod("team", "a", node="n1", uid=uid, containers=["app"])
        running = {"name": "app", "containerID": f"containerd://{container}", "state": {"running": {}}}
        pod["status"] |= {"phase": "Running", "containerStatuses": [running], **status}
        self.state.put(PODS, pod)

    def listed(self) -> dict[str, kube.Pod]:
        pod = read_pod(self.api, "team", "a")
        assert pod is not None
        return {"team/a": pod}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path, stack)


@pytest.mark.parametrize("gap", [GAP, OF_CONTAINER])
def test_what_still_runs_is_not_said_to_have_ended(site: Site, gap: Missing) -> None:
    settled = again.Again(site.api).settled(gap, site.listed())
    assert settled.reason == NO_CGROUP
    assert "ended" not in settled.detail
    assert "memcollect doctor" in settled.detail


def test_what_was_deleted_is_gone(site: Site) -> None:
    listed = site.listed()
    site.state.remove(PODS, "a", "team")
    settled = again.Again(site.api).settled(GAP, listed)
    assert (settled.reason, "was deleted" in settled.detail) == ("gone", True)


def test_a_new_pod_of_the_same_name_is_another(site: Site) -> None:
    listed = site.listed()
    site.put("b", "id-1")
    assert "replaced" in again.Again(site.api).settled(GAP, listed).detail


def test_a_container_of_a_new_id_was_restarted(site: Site) -> None:
    listed = site.listed()
    site.put("a", "id-2")
    assert "restarted" in again.Again(site.api).settled(OF_CONTAINER, listed).detail
    assert "ended" not in again.Again(site.api).settled(GAP, listed).detail


def test_an_api_that_cannot_be_asked_again_leaves_it_open(site: Site) -> None:
    listed = site.listed()
    site.state.fault(Fault("/api/v1/namespaces/team/pods/a", status=403, times=None))
    assert "could not be asked" in again.Again(site.api).settled(GAP, listed).detail


def test_not_more_than_some_are_asked_for(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "MOST_ASKED", 0)
    assert "is not known" in again.Again(site.api).settled(GAP, site.listed()).detail


def test_any_other_gap_stays_as_it_is(site: Site) -> None:
    denied = Missing(kind="pod", name="team/a", reason="denied", detail="no right")
    assert again.Again(site.api).settled(denied, site.listed()) is denied
