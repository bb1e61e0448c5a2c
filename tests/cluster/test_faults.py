"""Faults that a cluster can show without harm: told as docs/troubleshooting.md says, or in their own way."""

from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.conftest import Started
from cluster.faults import HARMFUL, TRIED
from cluster.kubectl import Kubectl
from cluster.measured import PATIENT, Memcollect, Say, document, the_gap
from cluster.plans import HOLDING, plan
from cluster.pods import LABEL, Json, Kit
from memcollect.documents.snapshot import Snapshot
from worlds.troubleshooting_page import holds, promised
from worlds.waiting import wait_until

ON_CLUSTER = pytest.mark.cluster
NO_SUCH_IMAGE = "localhost/memcollect-test-has-no-such-image:1"
NOT_PULLED = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"}
WAITING = {"resources": {"requests": {"cpu": "1m", "memory": "8Mi"}}}
"""What a pod asks for that shall wait for something else than room."""


def test_each_fault_of_the_page_is_tried_or_would_harm() -> None:
    assert set(promised()) == {*HARMFUL, *TRIED}
    assert not HARMFUL.keys() & set(TRIED)


@pytest.fixture(scope="module")
def usual(kit: Kit, started: Started) -> Json:
    """A pod with nothing wrong."""
    return started(kit.pod("usual", kit.container("main", HOLDING)))


def _promised(what: str, said: str, say: Say) -> None:
    assert holds(promised()[what], said), said
    say(said)


@ON_CLUSTER
def test_another_port_than_the_agents(memcollect: Memcollect, usual: Json, say: Say) -> None:
    name = usual["metadata"]["name"]
    gap = the_gap(memcollect.snapshot(name, "--agent-port", "1", code=3), "agent-refused")
    _promised("another port than the agent's", gap.detail, say)


@ON_CLUSTER
def test_a_node_has_no_agent(memcollect: Memcollect, usual: Json, say: Say) -> None:
    """No agent is where none is looked for."""
    words = (usual["metadata"]["name"], "--agent-namespace", memcollect.namespace)
    gap = the_gap(memcollect.snapshot(*words, code=3), "no-agent")
    _promised("a node has no agent", gap.detail, say)


@ON_CLUSTER
def test_there_is_no_metrics_server(
    memcollect: Memcollect, usual: Json, say: Say, *, has_metrics: bool
) -> None:
    if has_metrics:
        pytest.skip("this cluster has a metrics API")
    (gap,) = memcollect.snapshot(usual["metadata"]["name"], code=3).missing
    _promised("there is no metrics-server", gap.detail, say)


@ON_CLUSTER
def test_a_pod_was_deleted_meanwhile(kit: Kit, started: Started, memcollect: Memcollect, say: Say) -> None:
    started(kit.pod("fleeting", kit.container("main", HOLDING)))
    words = ("fleeting", "snapshot", "-n", kit.namespace, "fleeting", "--format", "json", *PATIENT)
    done = memcollect.run(kit.namespace, *words, module="cluster.too_late")
    gap = the_gap(document(done, 3), "gone")
    _promised("a pod was deleted meanwhile", gap.detail, say)


@ON_CLUSTER
def test_a_pod_was_evicted(kit: Kit, started: Started, memcollect: Memcollect, say: Say) -> None:
    """For more in its own volume than it may hold: the kubelet evicts it for that, and the node is well."""
    volume = {"name": "small", "emptyDir": {"sizeLimit": "1Mi"}}
    mounted = {"volumeMounts": [{"name": "small", "mountPath": "/mnt/small"}]}
    program = "write('/mnt/small/much', 16)\nstay()"
    started(
        kit.pod("greedy-volume", kit.container("main", program, **mounted), volumes=[volume]),
        lambda pod: pod["status"].get("reason") == "Evicted",
    )
    (pod,) = memcollect.snapshot("greedy-volume").pods
    _promised("a pod was evicted", pod.verdict, say)


@ON_CLUSTER
def test_a_pod_is_not_made_yet(kit: Kit, memcollect: Memcollect, started: Started, say: Say) -> None:
    """It waits for a volume that nobody makes."""
    volume = {"name": "absent", "configMap": {"name": "there-is-none"}}
    mounted = {"volumeMounts": [{"name": "absent", "mountPath": "/mnt/absent"}]}
    container = kit.container("main", HOLDING, **WAITING, **mounted)
    started(
        kit.pod("unmade", container, volumes=[volume]),
        lambda pod: bool(pod["status"].get("containerStatuses")),
    )
    gap = the_gap(memcollect.snapshot("unmade", code=3), "pending")
    _promised("a pod is not made yet", gap.detail, say)


@ON_CLUSTER
def test_an_image_that_is_not_there(kit: Kit, started: Started, memcollect: Memcollect, say: Say) -> None:
    container = {**kit.container("main", HOLDING), "image": NO_SUCH_IMAGE}
    started(kit.pod("imageless", container), _waits_for_an_image)
    taken = memcollect.snapshot("imageless", code=3)
    said = " ".join([*(each.detail for each in taken.missing), *(each.verdict for each in taken.pods)])
    assert any(reason in said for reason in NOT_PULLED), said
    assert "main" in said
    say(taken.pods[0].verdict)


def _waits_for_an_image(pod: Json) -> bool:
    statuses = pod["status"].get("containerStatuses") or []
    return any(each["state"].get("waiting", {}).get("reason") in NOT_PULLED for each in statuses)


@ON_CLUSTER
def test_a_pod_that_no_node_can_take(kit: Kit, started: Started, memcollect: Memcollect, say: Say) -> None:
    nowhere = {"nodeSelector": {"kubernetes.io/os": "linux", LABEL: "nowhere"}}
    pod = kit.pod("homeless", kit.container("main", HOLDING), **nowhere)
    started(pod, lambda found: bool(found["status"].get("conditions")))
    gap = the_gap(memcollect.snapshot("homeless", code=3), "pending")
    assert gap.detail.startswith("it is on no node yet: ")
    assert "node" in gap.detail.partition(": ")[2]
    say(gap.detail)


@ON_CLUSTER
def test_a_selector_that_matches_nothing_is_said_and_is_no_success(memcollect: Memcollect, say: Say) -> None:
    words = ("-n", memcollect.namespace, "-l", "app=there-is-none", "--format", "json")
    taken = document(memcollect.run("snapshot", *words), 3)
    say(_nothing(taken))


@ON_CLUSTER
def test_a_pod_that_is_not_there_is_named(memcollect: Memcollect, say: Say) -> None:
    done = memcollect.run("explain", "-n", memcollect.namespace, "there-is-none")
    assert done.returncode in {1, 3}
    said = f"{done.stderr} {done.stdout}"
    assert "there-is-none" in said
    assert "Traceback" not in said
    say(said)


@ON_CLUSTER
def test_a_namespace_that_is_not_there_is_no_success(memcollect: Memcollect, say: Say) -> None:
    words = ("-n", f"{memcollect.namespace}-not", "-l", "", "--format", "json")
    taken = document(memcollect.run("snapshot", *words), 3)
    say(_nothing(taken))


def _nothing(taken: Snapshot) -> str:
    """Return what is said of no pods at all."""
    assert taken.pods == []
    (gap,) = taken.missing
    return gap.detail


@pytest.fixture
def full(kubectl: Kubectl, make_namespace: Callable[[], str]) -> str:
    """A namespace of which a quota lets no pod in."""
    place = make_namespace()
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "no-pods", "namespace": place},
        "spec": {"hard": {"pods": "0"}},
    }
    kubectl.create(quota)
    _until_in_force(kubectl, place)
    return place


@pytest.fixture
def held_up(kit: Kit, full: str, tmp_path: Path) -> Path:
    """A plan for that namespace."""
    return plan(tmp_path, full, kit)


@ON_CLUSTER
def test_a_quota_of_the_sandboxes_namespace_is_told_by_who_would_exceed_it(
    held_up: Path, kubectl: Kubectl, memcollect: Memcollect, full: str, say: Say
) -> None:
    done = memcollect.run("profile", str(held_up), "-o", str(held_up.parent / "run"))
    said = " ".join(f"{done.stderr} {done.stdout}".split())
    assert done.returncode in {1, 3}, said
    assert f"You may create pods in namespace {full}, but not this one: " in said
    assert "exceeded quota: no-pods" in said
    assert f"kubectl describe quota -n {full}" in said
    assert "can-i" not in said
    assert "Traceback" not in said
    assert kubectl.json("get", "pods", "-n", full)["items"] == []
    say(next(each for each in done.stderr.splitlines() if "exceeded quota" in each))


def _until_in_force(kubectl: Kubectl, place: str) -> None:
    """Wait until the quota counts, which its controller begins some time after it was made."""
    wait_until(lambda: bool(kubectl.json("get", "resourcequota", "no-pods", "-n", place)["status"]), 120.0)
