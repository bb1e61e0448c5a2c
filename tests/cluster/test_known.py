"""A pod of known memory: what is known of it is what memcollect says of it."""

import time

import pytest

from cluster.conftest import Started
from cluster.kubectl import Kubectl
from cluster.measured import Memcollect, Say, container_of, holds_anon, mib, steps_of, term
from cluster.pods import MIB, Json, Kit
from memcollect.documents.snapshot import Container, Pod, Snapshot
from memcollect.sources.rights import AGENT_NAMESPACE
from memcollect.taking.files_manifest import LABEL
from worlds.waiting import wait_until

pytestmark = pytest.mark.cluster

POD, CONTAINER = "known", "tenant"
ANON_MIB, SHMEM_MIB = 48, 24
PRIVATE = "/dev/shm/private"
HELD = f"{PRIVATE}/held"
"""In a directory that only the pod's own user may list."""
PROGRAM = f"""
held = hold({ANON_MIB})
os.mkdir("{PRIVATE}", 0o700)
write("{HELD}", {SHMEM_MIB})
stay()
"""
METRICS_SECONDS = 180.0
ENDED_SECONDS = 180.0


@pytest.fixture(scope="module")
def tenant(kit: Kit, started: Started) -> Json:
    """The pod, ready."""
    limits = {"requests": {"cpu": "10m", "memory": "96Mi"}, "limits": {"memory": "256Mi"}}
    return started(kit.pod(POD, kit.container(CONTAINER, PROGRAM, resources=limits)))


@pytest.fixture(scope="module")
def snapshot(memcollect: Memcollect, tenant: Json, kubectl: Kubectl, *, has_metrics: bool) -> Snapshot:
    """Taken once `kubectl top` knows the pod, where there is a metrics API at all."""
    if has_metrics:
        _until_topped(kubectl, tenant["metadata"]["namespace"])
    return memcollect.snapshot(POD)


def _until_topped(kubectl: Kubectl, namespace: str) -> None:
    deadline = time.monotonic() + METRICS_SECONDS
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
    while POD not in kubectl.out("get", "--raw", path):
        assert time.monotonic() < deadline, "the metrics API does not show the pod"
        time.sleep(3)


@pytest.fixture(scope="module")
def known(snapshot: Snapshot) -> Pod:
    """What was measured of the pod."""
    (found,) = snapshot.pods
    return found


@pytest.fixture(scope="module")
def container(known: Pod) -> Container:
    """What was measured of its container."""
    return container_of(known, CONTAINER)


def test_nothing_is_missing(snapshot: Snapshot) -> None:
    assert snapshot.missing == []


def test_the_pod_is_found_by_what_the_api_calls_it(known: Pod, tenant: Json, say: Say) -> None:
    assert known.uid == tenant["metadata"]["uid"]
    assert known.node == tenant["spec"]["nodeName"]
    say(known.verdict)


def test_private_memory_is_what_the_program_holds(container: Container, say: Say) -> None:
    say(f"{mib(holds_anon(container, ANON_MIB))}, of which it was told to hold {ANON_MIB} MiB")


def test_shared_memory_is_what_the_program_wrote(container: Container, say: Say) -> None:
    assert term(container, "shmem") == SHMEM_MIB * MIB
    say(f"{SHMEM_MIB} MiB, to the byte")


def test_another_users_process_is_read(container: Container) -> None:
    largest = container.processes[0]
    assert largest.pss_anon_bytes is not None
    assert largest.pss_anon_bytes >= ANON_MIB * MIB
    assert "-I -c" in (largest.command or "")


def test_every_residual_is_within_its_bound(known: Pod, container: Container, say: Say) -> None:
    say(f"{steps_of(known.ladder, container.ladder)} steps")


def test_kubectl_top_is_accounted_for(known: Pod, say: Say, *, has_metrics: bool) -> None:
    if not has_metrics:
        pytest.skip("this cluster has no metrics API")
    assert known.top is not None
    assert known.top.status in {"reconciled", "drifted"}, known.top
    say(known.top.status)


def test_a_file_that_its_user_alone_may_see_is_named_by_a_pod_made_for_it(
    memcollect: Memcollect, tenant: Json, kubectl: Kubectl, say: Say
) -> None:
    assert tenant
    if not kubectl.may("create", "pods", "-n", AGENT_NAMESPACE):
        pytest.skip("no pod may be made beside the agents")
    by_agent, by_pod = memcollect.explained(POD, "--files"), memcollect.explained(POD, "--files-pod", "run")
    assert by_agent.files is not None
    assert by_pod.files is not None
    assert HELD not in {each.path for each in by_agent.files.files}
    assert any("--files-pod run" in each.detail for each in by_agent.files.gaps), by_agent.files.gaps
    (held,) = [each for each in by_pod.files.files if each.path == HELD]
    assert held.resident_high_bytes == SHMEM_MIB * MIB
    say(f"{HELD}, {SHMEM_MIB} MiB")
    # Deleted is what the API server was asked for; the kubelet takes its time to end it.
    words = ("get", "pods", "-n", AGENT_NAMESPACE, "-l", LABEL, "-o", "name")
    wait_until(lambda: kubectl.out(*words) == "", ENDED_SECONDS)
