"""One namespace and one pod of known memory, in the cluster that KUBECONFIG leads to; gone afterwards.

Needed: the agents deployed (`kubectl apply -k deploy/`), and the rights to create a namespace and a pod and
to take snapshots. Without KUBECONFIG in the environment everything here is skipped; ~/.kube/config is not
taken, since nobody should find test pods in a cluster they did not name.
"""

import os
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster.kubectl import Kubectl
from cluster.tenant import POD, interpreter_of, pod
from memcollect.sources.rights import AGENT_NAMESPACE
from worlds import children

START_SECONDS = 180.0
Memcollect = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    """The cluster's kubectl."""
    if not os.environ.get("KUBECONFIG"):
        pytest.skip("KUBECONFIG names no cluster")
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed; on Debian: apt-get install kubernetes-client")
    return Kubectl()


@pytest.fixture(scope="session")
def agents(kubectl: Kubectl) -> dict[str, Any]:
    """The agents' DaemonSet."""
    sets: list[dict[str, Any]] = kubectl.json("get", "daemonsets", "-n", AGENT_NAMESPACE)["items"]
    found = [each for each in sets if each["metadata"]["name"] == "memcollect-agent"]
    assert found, "the agents are not deployed there: kubectl apply -k deploy/"
    return found[0]


@pytest.fixture(scope="session")
def namespace(kubectl: Kubectl) -> Iterator[str]:
    """A namespace of our own, with nothing in it."""
    name = f"memcollect-test-{uuid.uuid4().hex[:8]}"
    kubectl.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    kubectl.out("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="session")
def tenant(kubectl: Kubectl, namespace: str, agents: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The pod of known memory, ready."""
    kubectl.create(pod(namespace, interpreter_of(agents)))
    yield until_ready(kubectl, namespace)
    kubectl.out("delete", "pod", POD, "-n", namespace, "--wait=false")


def until_ready(kubectl: Kubectl, namespace: str) -> dict[str, Any]:
    """Return the pod once it is ready; fails with its status when that takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        found: dict[str, Any] = kubectl.json("get", "pod", POD, "-n", namespace)
        conditions = {each["type"]: each["status"] for each in found["status"].get("conditions", [])}
        if conditions.get("Ready") == "True":
            return found
        assert time.monotonic() < deadline, f"the pod did not become ready: {found['status']}"
        time.sleep(1)


@pytest.fixture(scope="session")
def memcollect(namespace: str) -> Memcollect:
    """Runs memcollect's commands on our own namespace."""

    def run(command: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        words = [sys.executable, "-m", "memcollect", command, "-n", namespace, *arguments]
        return children.run(words)

    return run
