"""memcollect on a cluster with its agents deployed: what is known of a pod is what it says of it."""

import time
from typing import Any

import msgspec
import pytest

from cluster.conftest import Memcollect
from cluster.kubectl import Kubectl
from cluster.tenant import ANON_BYTES, CONTAINER, HELD, MIB, POD, SHMEM_BYTES
from memcollect.documents.snapshot import Container, Pod, Snapshot
from memcollect.sources.agent_pods import AGENT_SELECTOR
from memcollect.sources.rights import AGENT_NAMESPACE
from memcollect.taking.files_manifest import LABEL
from worlds.waiting import wait_until

pytestmark = pytest.mark.cluster

METRICS_SECONDS = 180.0
ENDED_SECONDS = 180.0
PATIENT = ("--timeout", "120s")
"""How fast a cluster is, is not tested: a node with a share of one CPU took 22 s to tell of files."""
INTERPRETER_BYTES = 24 * MIB
"""What a Python with nothing loaded may hold beside what it was told to."""


def _snapshot(memcollect: Memcollect, *arguments: str) -> Snapshot:
    done = memcollect("snapshot", "-l", "", "--include-processes", "--format", "json", *PATIENT, *arguments)
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout, type=Snapshot)


@pytest.fixture(scope="module")
def has_metrics(kubectl: Kubectl) -> bool:
    """Whether the cluster has a metrics API; asked once, since one that fails for a while is not listed."""
    return "metrics.k8s.io/v1beta1" in kubectl.out("api-versions").split()


@pytest.fixture(scope="module")
def snapshot(
    memcollect: Memcollect, tenant: dict[str, Any], kubectl: Kubectl, *, has_metrics: bool
) -> Snapshot:
    """Taken once `kubectl top` knows the pod, where there is a metrics API at all."""
    if has_metrics:
        _until_topped(kubectl, tenant["metadata"]["namespace"])
    return _snapshot(memcollect)


def _until_topped(kubectl: Kubectl, namespace: str) -> None:
    deadline = time.monotonic() + METRICS_SECONDS
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
    while POD not in kubectl.out("get", "--raw", path):
        assert time.monotonic() < deadline, "the metrics API does not show the pod"
        time.sleep(3)


@pytest.fixture(scope="module")
def known(snapshot: Snapshot) -> Pod:
    (found,) = [each for each in snapshot.pods if each.name == POD]
    return found


@pytest.fixture(scope="module")
def container(known: Pod) -> Container:
    (found,) = [each for each in known.containers if each.name == CONTAINER]
    return found


def _term(container: Container, name: str) -> int:
    assert container.composition is not None
    return sum(each.estimate_bytes for each in container.composition.terms if each.term == name)


def test_the_doctor_finds_nothing_that_fails(memcollect: Memcollect, tenant: dict[str, Any]) -> None:
    assert tenant
    done = memcollect("doctor")
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_is_missing(snapshot: Snapshot) -> None:
    assert snapshot.missing == []


def test_the_pod_is_found_by_what_the_api_calls_it(known: Pod, tenant: dict[str, Any]) -> None:
    assert known.uid == tenant["metadata"]["uid"]
    assert known.node == tenant["spec"]["nodeName"]
    assert known.verdict


def test_private_memory_is_what_the_program_holds(container: Container) -> None:
    assert ANON_BYTES <= _term(container, "anon") <= ANON_BYTES + INTERPRETER_BYTES


def test_shared_memory_is_what_the_program_wrote(container: Container) -> None:
    assert SHMEM_BYTES <= _term(container, "shmem") <= SHMEM_BYTES + MIB


def test_another_users_process_is_read(container: Container) -> None:
    largest = container.processes[0]
    assert largest.pss_anon_bytes is not None
    assert largest.pss_anon_bytes >= ANON_BYTES
    assert "-I -c" in (largest.command or "")


def test_every_residual_is_within_its_bound(known: Pod, container: Container) -> None:
    for ladder in (known.ladder, container.ladder):
        assert ladder is not None
        assert [step for step in ladder.steps if not step.residual.within_bound] == []


def test_kubectl_top_is_accounted_for(known: Pod, *, has_metrics: bool) -> None:
    if not has_metrics:
        pytest.skip("this cluster has no metrics API")
    assert known.top is not None
    assert known.top.status in {"reconciled", "drifted"}, known.top


def _explained(memcollect: Memcollect, *arguments: str) -> Pod:
    done = memcollect("explain", POD, "--format", "json", *PATIENT, *arguments)
    assert done.returncode in {0, 3}, done.stderr
    (found,) = msgspec.json.decode(done.stdout, type=Snapshot).pods
    return found


def test_a_file_that_its_user_alone_may_see_is_named_by_a_pod_made_for_it(
    memcollect: Memcollect, tenant: dict[str, Any], kubectl: Kubectl
) -> None:
    assert tenant
    if not kubectl.may("create", "pods", "-n", AGENT_NAMESPACE):
        pytest.skip("no pod may be made beside the agents")
    by_agent, by_pod = _explained(memcollect, "--files"), _explained(memcollect, "--files-pod", "run")
    assert by_agent.files is not None
    assert by_pod.files is not None
    assert HELD not in {each.path for each in by_agent.files.files}
    assert any("--files-pod run" in each.detail for each in by_agent.files.gaps), by_agent.files.gaps
    (held,) = [each for each in by_pod.files.files if each.path == HELD]
    assert held.resident_high_bytes == SHMEM_BYTES
    # Deleted is what the API server was asked for; the kubelet takes its time to end it.
    words = ("get", "pods", "-n", AGENT_NAMESPACE, "-l", LABEL, "-o", "name")
    wait_until(lambda: kubectl.out(*words) == "", ENDED_SECONDS)


def test_a_selector_that_matches_nothing_is_said_and_is_no_success(memcollect: Memcollect) -> None:
    done = memcollect("snapshot", "-l", "app=there-is-none", "--format", "json")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_the_agents_hold_no_token_and_one_read_only_mount(kubectl: Kubectl, agents: dict[str, Any]) -> None:
    assert agents
    pods = kubectl.json("get", "pods", "-n", AGENT_NAMESPACE, "-l", AGENT_SELECTOR)["items"]
    assert pods
    for each in pods:
        assert [volume["name"] for volume in each["spec"]["volumes"]] == ["cgroup"]
        (agent,) = each["spec"]["containers"]
        assert agent["securityContext"]["readOnlyRootFilesystem"] is True
        assert [mount["readOnly"] for mount in agent["volumeMounts"]] == [True]
