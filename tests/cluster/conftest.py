"""A namespace of our own in the cluster that KUBECONFIG leads to, gone afterwards; and a table at the end.

Needed: the agents deployed (`kubectl apply -k deploy/`), and the rights to create a namespace and a pod and
to take snapshots; what needs a further right is skipped without it. Without KUBECONFIG in the environment
everything here is skipped; ~/.kube/config is not taken, since nobody should find test pods in a cluster they
did not name.
"""

import os
import shutil
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from cluster import faults
from cluster.kubectl import Kubectl
from cluster.measured import Memcollect, Say
from cluster.pods import LABEL, Json, Kit, placement
from cluster.table import Row, row_of, table
from memcollect.sources.agent_pods import AGENT_SELECTOR
from memcollect.sources.rights import AGENT_NAMESPACE

START_SECONDS = 480.0
LOOK_SECONDS = 1.0
PYTHON = ["/opt/memcollect/bin/python", "-I"]
SEEN = pytest.StashKey[list[str]]()
ROWS = pytest.StashKey[list[Row]]()
Started = Callable[..., Json]


@pytest.fixture(scope="session")
def kubectl() -> Kubectl:
    """The cluster's kubectl."""
    kubeconfig = os.environ.get("KUBECONFIG")
    if not kubeconfig:
        pytest.skip("KUBECONFIG names no cluster")
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed; on Debian: apt-get install kubernetes-client")
    return Kubectl(kubeconfig)


@pytest.fixture(scope="session")
def agents(kubectl: Kubectl) -> Json:
    """The agents' DaemonSet."""
    sets: list[Json] = kubectl.json("get", "daemonsets", "-n", AGENT_NAMESPACE)["items"]
    found = [each for each in sets if each["metadata"]["name"] == "memcollect-agent"]
    assert found, "the agents are not deployed there: kubectl apply -k deploy/"
    return found[0]


@pytest.fixture(scope="session")
def agent_pods(kubectl: Kubectl, agents: Json) -> list[Json]:
    """The agents' pods."""
    assert agents
    found: list[Json] = kubectl.json("get", "pods", "-n", AGENT_NAMESPACE, "-l", AGENT_SELECTOR)["items"]
    return found


@pytest.fixture(scope="session")
def _ended_as_by_ctrl_c() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a run as Ctrl-C does: with all that it made deleted."""
    before = {
        each: signal.signal(each, signal.default_int_handler) for each in (signal.SIGTERM, signal.SIGHUP)
    }
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.fixture(scope="session")
def make_namespace(kubectl: Kubectl, _ended_as_by_ctrl_c: None) -> Iterator[Callable[[], str]]:
    """Makes namespaces that admit restricted pods alone, with nothing in them."""
    made: list[str] = []

    def make() -> str:
        name = f"memcollect-test-{uuid.uuid4().hex[:8]}"
        labels = {LABEL: name, "pod-security.kubernetes.io/enforce": "restricted"}
        # Noted first: of an interrupted request it is not known whether it was done.
        made.append(name)
        kubectl.create(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
        )
        return name

    yield make
    kubectl.delete(*(("namespace", name, "--wait=false") for name in made))


@pytest.fixture(scope="session")
def namespace(make_namespace: Callable[[], str]) -> str:
    """The namespace of most tests."""
    return make_namespace()


@pytest.fixture(scope="session")
def kit(kubectl: Kubectl, namespace: str, agents: Json, agent_pods: list[Json]) -> Kit:
    """What makes the tests' pods."""
    (container,) = agents["spec"]["template"]["spec"]["containers"]
    where = placement(kubectl.listed("nodes"), agent_pods)
    return Kit(namespace, container["image"], PYTHON, where)


@pytest.fixture(scope="module")
def started(kubectl: Kubectl, kit: Kit) -> Iterator[Started]:
    """Creates a pod and waits until it is ready, or `until` is true of it; it goes with its module."""
    names: list[str] = []

    def start(document: Json, until: Callable[[Json], bool] | None = None) -> Json:
        names.append(document["metadata"]["name"])
        kubectl.create(document)
        return wait_for(kubectl, kit.namespace, names[-1], until or is_ready)

    yield start
    if names:
        kubectl.delete(("pod", *names, "-n", kit.namespace, "--wait=false"))


def is_ready(pod: Json) -> bool:
    """Whether Kubernetes calls it ready."""
    return _condition(pod, "Ready").get("status") == "True"


def wait_for(kubectl: Kubectl, namespace: str, name: str, until: Callable[[Json], bool]) -> Json:
    """Return a pod of which `until` is true; skips where it finds no node, fails where it takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        found: Json = kubectl.json("get", "pod", name, "-n", namespace)
        if until(found):
            return found
        if time.monotonic() > deadline:
            _give_up(found)
        time.sleep(LOOK_SECONDS)


def _give_up(pod: Json) -> None:
    scheduled = _condition(pod, "PodScheduled")
    name = pod["metadata"]["name"]
    if scheduled.get("status") == "False":
        pytest.skip(f"pod {name} found no node: {scheduled.get('message')}")
    pytest.fail(f"pod {name} did not come so far in {START_SECONDS:.0f} s: {pod['status']}")


def _condition(pod: Json, kind: str) -> dict[str, Any]:
    conditions = pod.get("status", {}).get("conditions") or []
    return next((each for each in conditions if each["type"] == kind), {})


@pytest.fixture(scope="session")
def memcollect(kubectl: Kubectl, namespace: str) -> Memcollect:
    """Runs memcollect's commands on our own namespace."""
    return Memcollect(kubectl.kubeconfig, namespace)


@pytest.fixture(scope="session")
def has_metrics(kubectl: Kubectl) -> bool:
    """Whether the cluster has a metrics API; asked once, since one that fails for a while is not listed."""
    return "metrics.k8s.io/v1beta1" in kubectl.out("api-versions").split()


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Say:
    """Notes what this test saw, for the table."""
    seen: list[str] = request.node.stash.setdefault(SEEN, [])
    return seen.append


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: "pytest.CallInfo[None]"
) -> Iterator[None]:  # the wrapped hook's result goes through
    report: pytest.TestReport = yield  # type: ignore[assignment] # what pluggy sends
    if item.get_closest_marker("cluster") is not None and (call.when == "call" or not report.passed):
        why = ""
        if report.skipped and isinstance(report.longrepr, tuple):
            why = report.longrepr[2].removeprefix("Skipped: ")
        elif report.failed and call.excinfo is not None:
            why = call.excinfo.exconly().partition("\n")[0]
        seen = item.stash.get(SEEN, [])
        item.config.stash.setdefault(ROWS, []).append(row_of(item.nodeid, report.outcome, seen, why))
    return report  # type: ignore[return-value] # as above


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table, where anything was tried at a cluster."""
    rows = config.stash.get(ROWS, [])
    if not rows or not os.environ.get("KUBECONFIG"):
        return
    harmful = [Row(f"fault: {what}", "not tried", why) for what, why in faults.HARMFUL.items()]
    terminalreporter.section("what was tried at the cluster")
    for line in table([*rows, *harmful]):
        terminalreporter.write_line(line)
