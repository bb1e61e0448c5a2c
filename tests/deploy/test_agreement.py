"""The manifests and the code say the same: names, ports, options, rights."""

import os
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from memcollect.errors import DeniedError
from memcollect.profile.needs import own_rights, require, rights_of
from memcollect.profile.plan.model import AgentSandbox, Evidence, Exec, Http, Nothing, Phase, Plan, Template
from memcollect.sources.agent_pods import AGENT_SELECTOR
from memcollect.sources.api import Api
from memcollect.sources.kube_config import connect
from memcollect.sources.rights import AGENT_NAMESPACE, CLUSTER_SCOPED, Right, needed_rights, node_rights
from memcollect.testing import Cluster, Rule, StandInCluster
from memcollect_agent.program import _parser
from memcollect_agent.wire import DEFAULT_PORT
from worlds import manifests
from worlds.manifests import Document

NAMESPACE = "deer-flow"
TELLING = (Right("list", "events", namespace=NAMESPACE), Right("get", "namespaces"))


def _rights(role: Document, namespace: str | None) -> set[Right]:
    """Return what a role grants in one namespace (None: in all); nodes and classes lie in none."""
    return {
        Right(verb, *_resource(name), namespace, _subresource(name))
        if _resource(name)[0] not in CLUSTER_SCOPED
        else Right(verb, *_resource(name))
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for name in [f"{each}@{group}" for each in rule["resources"]]
        for verb in rule["verbs"]
    }


def _resource(name: str) -> tuple[str, str]:
    resource, _, group = name.partition("@")
    return resource.partition("/")[0], group


def _subresource(name: str) -> str:
    return name.partition("@")[0].partition("/")[2]


def _roles() -> tuple[Document, Document]:
    documents = manifests.rendered("base")
    (reader,) = manifests.of_kind(documents, "ClusterRole")
    (access,) = manifests.of_kind(documents, "Role")
    return reader, access


def _granted_to_profilers() -> list[Right]:
    """Return what the roles grant that deploy/ has for whoever profiles in one namespace."""
    reader, access = _roles()
    (nodes,) = manifests.of_kind(manifests.read("examples/one-namespace.yaml"), "ClusterRole")
    inside, everywhere = manifests.of_kind(manifests.read("examples/profile.yaml"), "ClusterRole")
    own = {right for right in _rights(reader, NAMESPACE) if right.namespace == NAMESPACE}
    own |= _rights(nodes, None) | _rights(access, AGENT_NAMESPACE)
    return sorted(own | _rights(inside, NAMESPACE) | _rights(everywhere, None), key=str)


def _whole_plan() -> Plan:
    """Return a plan with every kind of phase that needs a right."""
    phases: list[Phase] = [Exec(name="exec", command=["true"]), Http(name="http"), Evidence(name="tried")]
    return Plan(name="all", source=Template(namespace=NAMESPACE, clone="a"), phases=phases)


def _rule(right: Right, *, allowed: bool = True) -> Rule:
    name = f"{right.resource}/{right.subresource}" if right.subresource else right.resource
    return Rule(allowed, right.verb, right.group, name, right.namespace or "*")


def test_the_two_roles_grant_exactly_what_a_snapshot_of_the_cluster_uses() -> None:
    reader, access = _roles()
    assert access["metadata"]["namespace"] == AGENT_NAMESPACE
    assert _rights(reader, None) | _rights(access, AGENT_NAMESPACE) == {*needed_rights(None), *node_rights()}


def test_the_example_for_one_namespace_grants_exactly_what_a_snapshot_of_it_uses() -> None:
    reader, access = _roles()
    documents = manifests.read("examples/one-namespace.yaml")
    (nodes,) = manifests.of_kind(documents, "ClusterRole")
    own = {right for right in _rights(reader, NAMESPACE) if right.namespace == NAMESPACE}
    granted = own | _rights(nodes, None) | _rights(access, AGENT_NAMESPACE)
    assert granted == set(needed_rights([NAMESPACE]))


def test_the_example_for_profiling_grants_exactly_what_runs_use_beyond_snapshots() -> None:
    documents = manifests.read("examples/profile.yaml")
    role, everywhere = manifests.of_kind(documents, "ClusterRole")
    plan = _whole_plan()
    # Without these a run does as well, but for telling pulls and which cluster it was.
    used = {*own_rights(plan), *TELLING}
    assert _rights(role, NAMESPACE) | _rights(everywhere, None) == used
    (binding,) = manifests.of_kind(documents, "RoleBinding")
    assert binding["metadata"]["namespace"] == NAMESPACE


def test_the_example_for_agent_sandbox_grants_exactly_what_such_runs_use_beyond_snapshots() -> None:
    documents = manifests.read("examples/agent-sandbox.yaml")
    role, everywhere = manifests.of_kind(documents, "ClusterRole")
    phases: list[Phase] = [Nothing(name="empty"), Evidence(name="tried")]
    plan = Plan(name="claims", source=AgentSandbox(namespace=NAMESPACE), phases=phases)
    used = {*own_rights(plan), *TELLING}
    assert _rights(role, NAMESPACE) | _rights(everywhere, None) == used
    (binding,) = manifests.of_kind(documents, "RoleBinding")
    assert binding["metadata"]["namespace"] == NAMESPACE


@pytest.fixture
def bound(tmp_path: Path) -> Iterator[tuple[Cluster, Api]]:
    """A stand-in cluster whose user has the rights of the roles in deploy/ and of no other."""
    state = Cluster()
    state.access.deny(reason="no role grants it")
    # Whoever is known to the API server may ask what they may (system:basic-user).
    state.access.add(_rule(Right("create", "selfsubjectaccessreviews", "authorization.k8s.io")))
    state.access.add(*map(_rule, _granted_to_profilers()))
    with StandInCluster(state) as server, Api(connect(str(server.kubeconfig(tmp_path / "config")))) as api:
        yield state, api


def test_with_the_roles_of_deploy_alone_a_whole_profile_may_begin(bound: tuple[Cluster, Api]) -> None:
    _, api = bound
    require(api, rights_of(_whole_plan(), AGENT_NAMESPACE))


@pytest.mark.parametrize("right", rights_of(_whole_plan(), AGENT_NAMESPACE), ids=str)
def test_each_right_of_the_roles_is_asked_for_before_anything_is_made(
    right: Right, bound: tuple[Cluster, Api]
) -> None:
    state, api = bound
    state.access.add(_rule(right, allowed=False))
    with pytest.raises(DeniedError, match="Nothing was begun") as caught:
        require(api, rights_of(_whole_plan(), AGENT_NAMESPACE))
    assert any(right.verb in each and right.full_resource in each for each in caught.value.details)
    assert {entry.method for entry in state.requests} <= {"POST", "GET"}
    assert not any("/pods" in path for path in state.requests.paths())


@pytest.mark.parametrize("name", manifests.EXAMPLES)
def test_the_examples_bind_roles_that_exist_each_where_it_lies(name: str) -> None:
    documents = manifests.read(name)
    roles = {(each["kind"], each["metadata"]["name"]) for each in [*_roles(), *documents]}
    bindings = [each for each in documents if each["kind"].endswith("Binding")]
    assert bindings
    for binding in bindings:
        reference = binding["roleRef"]
        assert (reference["kind"], reference["name"]) in roles
        if reference["kind"] == "Role":
            assert binding["metadata"]["namespace"] == AGENT_NAMESPACE


def test_no_file_of_deploy_undoes_what_another_made() -> None:
    made: dict[tuple[str, str, str], tuple[str, Document]] = {}
    for name, document in manifests.objects():
        metadata = document["metadata"]
        identity = (document["kind"], metadata.get("namespace", AGENT_NAMESPACE), metadata["name"])
        first, other = made.setdefault(identity, (name, document))
        assert document == other, f"{name} and {first} differ in {identity}"
    assert len({name for name, _ in made.values()}) > len(manifests.EXAMPLES)


def test_an_example_applied_for_a_second_namespace_leaves_the_first_its_rights() -> None:
    for name in ("one-namespace", "profile", "agent-sandbox"):
        text = (manifests.DEPLOY / f"examples/{name}.yaml").read_text()
        first, second = (list(yaml.safe_load_all(text.replace(NAMESPACE, each))) for each in ("a", "b"))
        for one, other in zip(first, second, strict=True):
            same = all(
                one["metadata"].get(key) == other["metadata"].get(key) for key in ("namespace", "name")
            )
            assert not same or one == other, one["metadata"]


@pytest.mark.parametrize("name", manifests.OVERLAYS)
def test_the_collector_finds_these_pods(name: str) -> None:
    daemon_set = manifests.daemon_set(manifests.rendered(name))
    assert daemon_set["metadata"]["namespace"] == AGENT_NAMESPACE
    label, _, value = AGENT_SELECTOR.partition("=")
    assert daemon_set["spec"]["template"]["metadata"]["labels"][label] == value
    assert daemon_set["spec"]["selector"]["matchLabels"] == {label: value}


@pytest.mark.parametrize("name", manifests.OVERLAYS)
def test_the_agent_understands_its_arguments_and_listens_where_it_is_asked(name: str) -> None:
    documents = manifests.rendered(name)
    agent = manifests.agent(documents)
    # Of the other family too, since the address is the pod's own.
    for pod_ip in ("10.1.2.3", "fd00::12"):
        arguments = [each.replace("$(MEMCOLLECT_POD_IP)", pod_ip) for each in agent["args"]]
        options = _parser().parse_args(arguments)
        assert (options.listen.host, options.listen.port) == ("127.0.0.1", DEFAULT_PORT)
        assert options.health_listen.host == pod_ip
        ports = {port["name"]: port["containerPort"] for port in agent["ports"]}
        assert options.health_listen.port == ports["health"]
        mounted = [each["mountPath"] for each in agent["volumeMounts"]]
        assert options.cgroup in mounted


def test_whole_command_lines_are_not_allowed_unless_somebody_says_so() -> None:
    for name in manifests.OVERLAYS:
        assert "--allow-full-commands" not in manifests.agent(manifests.rendered(name))["args"]


def test_the_kustomization_that_the_document_proposes_names_the_image(tmp_path: Path) -> None:
    text = (manifests.DEPLOY.parent / "docs/deploy.md").read_text()
    match = re.search(r"^    resources:\n(?:    .*\n)+", text, re.MULTILINE)
    assert match is not None
    own = textwrap.dedent(match[0]).replace(
        "../memcollect/deploy", os.path.relpath(manifests.DEPLOY, tmp_path)
    )
    (tmp_path / "kustomization.yaml").write_text(own)
    documents = manifests.rendered(str(tmp_path))
    assert manifests.agent(documents)["image"] == "registry.example/memcollect-agent:0.1.0"


def test_no_image_is_named_that_a_stranger_could_publish() -> None:
    assert manifests.agent(manifests.rendered("base"))["image"].startswith("localhost/")
