"""The roles of deploy/ alone: who has one can do all that it is for, and is told at once what it lacks."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from cluster.conftest import Started
from cluster.kubectl import Kubectl
from cluster.measured import PATIENT, Memcollect, Say, container_of, document, holds_anon, mib, the_gap
from cluster.plans import plan
from cluster.pods import LABEL, Json, Kit
from memcollect.sources.rights import AGENT_NAMESPACE
from worlds.manifests import DEPLOY
from worlds.troubleshooting_page import holds, promised
from worlds.waiting import wait_until

pytestmark = pytest.mark.cluster

OF_THE_EXAMPLES = "deer-flow"
HELD_MIB = 40
ENDED_SECONDS = 180.0
PHASES = """
[[phases]]
name = "empty"
do = "nothing"

[[phases]]
name = "command"
do = "exec"
command = ["/opt/memcollect/bin/python", "-I", "-c", "print(6 * 7)"]
"""
Holder = Callable[..., Kubectl]
"""Returns kubectl for an account that the objects of these examples are bound to, and nothing else."""


@pytest.fixture(scope="module")
def bound(kubectl: Kubectl) -> Iterator[list[Json]]:
    """What was made outside of our namespace, so that it would not go with it."""
    made: list[Json] = []
    yield made
    kubectl.delete(*map(_named, made))


def _named(document: Json) -> list[str]:
    metadata = document["metadata"]
    where = ["-n", metadata["namespace"]] if "namespace" in metadata else []
    return [document["kind"], metadata["name"], *where]


@pytest.fixture
def holder(kubectl: Kubectl, namespace: str, bound: list[Json], tmp_path: Path) -> Holder:
    """Makes accounts of our namespace and binds roles to them."""

    def make(account: str, documents: list[Json]) -> Kubectl:
        metadata = {"name": account, "namespace": namespace}
        kubectl.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
        for each in _for_account(documents, account, namespace):
            if each["metadata"].get("namespace") != namespace:
                bound.append(each)
            kubectl.create(each)
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        made = kubectl.allowed("ask for a token", "create", "--raw", path, "-f", "-", document=request)
        return kubectl.as_holder(json.loads(made)["status"]["token"], tmp_path / f"{account}.kubeconfig")

    return make


def _for_account(documents: list[Json], account: str, namespace: str) -> Iterator[Json]:
    """Yield objects of deploy/ for one account, by names of its own: nothing that is there is changed."""
    ours = {each["metadata"]["name"] for each in documents if each["kind"].endswith("Role")}
    for each in documents:
        own: Json = json.loads(json.dumps(each).replace(OF_THE_EXAMPLES, namespace))
        name = each["metadata"]["name"].replace(OF_THE_EXAMPLES, "")
        own["metadata"] |= {"name": f"{name}-{account}-{namespace}", "labels": {LABEL: namespace}}
        if "roleRef" in own:
            own["subjects"] = [{"kind": "ServiceAccount", "name": account, "namespace": namespace}]
            if own["roleRef"]["name"] in ours:
                own["roleRef"]["name"] = f"{own['roleRef']['name']}-{account}-{namespace}"
        yield own


def example(*names: str) -> list[Json]:
    """Return the objects of deploy/examples; what they bind of the base is what is deployed there."""
    texts = ((DEPLOY / f"examples/{name}.yaml").read_text() for name in names)
    return [each for text in texts for each in yaml.safe_load_all(text)]


@pytest.fixture
def small(kit: Kit, tmp_path: Path) -> Path:
    """A plan of two phases in our namespace."""
    return plan(tmp_path, kit.namespace, kit, PHASES)


@pytest.fixture(scope="module")
def held(kit: Kit, started: Started) -> Json:
    """A pod that holds a known amount."""
    return started(kit.pod("seen", kit.container("main", f"held = hold({HELD_MIB})\nstay()")))


def test_with_the_readers_role_in_one_namespace_all_of_its_pods_is_measured(
    holder: Holder, held: Json, memcollect: Memcollect, say: Say
) -> None:
    who = Memcollect(holder("reader", example("one-namespace")).kubeconfig, memcollect.namespace)
    anon = holds_anon(container_of(who.pod(held["metadata"]["name"]), "main"), HELD_MIB)
    done = who.doctor()
    assert done.returncode == 0, done.stdout
    say(f"{mib(anon)} of private memory measured; the doctor fails nothing")


def test_with_the_readers_role_everywhere_pods_of_all_namespaces_are_measured(
    holder: Holder, held: Json, memcollect: Memcollect, say: Say
) -> None:
    who = Memcollect(holder("everywhere", example("everywhere")).kubeconfig, memcollect.namespace)
    words = ("-A", "-l", f"{LABEL}={memcollect.namespace}", "--include-processes", "--format", "json")
    done = who.run("snapshot", *words, *PATIENT)
    # Of the other tests' pods some cannot be measured, on purpose.
    taken = document(done, done.returncode if done.returncode == 3 else 0)
    (pod,) = [each for each in taken.pods if each.uid == held["metadata"]["uid"]]
    anon = holds_anon(container_of(pod, "main"), HELD_MIB)
    say(f"{mib(anon)} of private memory, among {len(taken.pods)} pods")


def test_who_may_only_measure_is_told_before_a_plan_begins_what_it_lacks(
    holder: Holder, kubectl: Kubectl, memcollect: Memcollect, small: Path, say: Say
) -> None:
    who = Memcollect(holder("onlooker", example("one-namespace")).kubeconfig, memcollect.namespace)
    before = _pods(kubectl, memcollect.namespace)
    done = who.run("profile", str(small), "-o", str(small.parent / "run"))
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert said.count("rights that you do not have. Nothing was begun.") == 1
    assert f"create and delete pods in namespace {memcollect.namespace}" in said
    assert f"pods/exec in namespace {memcollect.namespace}" in said
    assert _pods(kubectl, memcollect.namespace) == before
    say(said)


def test_who_may_not_reach_the_agents_is_told_so_in_one_sentence(
    holder: Holder, held: Json, memcollect: Memcollect, say: Say
) -> None:
    """The reader's role, and of the door to the agents only that they are listed."""
    documents = [
        each for each in example("one-namespace") if each["metadata"].get("namespace") != AGENT_NAMESPACE
    ]
    metadata = {"name": "lists", "namespace": AGENT_NAMESPACE}
    group = "rbac.authorization.k8s.io"
    listing = {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": metadata, "rules": [listing]}
    reference = {"apiGroup": group, "kind": "Role", "name": "lists"}
    binding = {**role, "kind": "RoleBinding", "roleRef": reference}
    del binding["rules"]
    account = holder("kept-out", [*documents, role, binding])
    who = Memcollect(account.kubeconfig, memcollect.namespace)
    gap = the_gap(who.snapshot(held["metadata"]["name"], code=3), "denied")
    assert holds(promised()["you may not reach the agents"], gap.detail), gap.detail
    say(gap.detail)


def test_with_the_profilers_role_a_plan_runs_to_its_end_and_leaves_no_pod(
    holder: Holder, kubectl: Kubectl, memcollect: Memcollect, small: Path, say: Say
) -> None:
    account = holder("profiler", example("one-namespace", "profile"))
    who = Memcollect(account.kubeconfig, memcollect.namespace)
    before = _pods(kubectl, memcollect.namespace)
    done = who.run("profile", str(small), "-o", str(small.parent / "run"))
    assert done.returncode == 0, done.stderr
    wait_until(lambda: _pods(kubectl, memcollect.namespace) == before, ENDED_SECONDS)
    for name, verb in (("secrets", "get"), ("pods", "patch"), ("configmaps", "create")):
        assert not account.may(verb, name, "-n", memcollect.namespace)
    say("two phases, as planned")


def _pods(kubectl: Kubectl, namespace: str) -> set[str]:
    return set(kubectl.out("get", "pods", "-n", namespace, "-o", "name").split())
