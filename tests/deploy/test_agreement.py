"""The manifests and the code say the same: names, ports, options, rights."""

import os
import re
import textwrap
from pathlib import Path

import pytest

from memcollect.profile.needs import own_rights
from memcollect.profile.plan.model import Exec, Http, Phase, Plan, Template
from memcollect.sources.agent_pods import AGENT_SELECTOR
from memcollect.sources.rights import AGENT_NAMESPACE, Right, needed_rights, node_rights
from memcollect_agent.program import _parser
from memcollect_agent.wire import DEFAULT_PORT
from worlds import manifests
from worlds.manifests import Document

NAMESPACE = "deer-flow"


def _rights(role: Document, namespace: str | None) -> set[Right]:
    """Return what a role grants in one namespace (None: in all); nodes and classes lie in none."""
    return {
        Right(verb, *_resource(name), namespace, _subresource(name))
        if _resource(name)[0] not in {"nodes", "runtimeclasses"}
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
    (role,) = manifests.of_kind(documents, "ClusterRole")
    phases: list[Phase] = [Exec(name="exec", command=["true"]), Http(name="http")]
    plan = Plan(name="all", source=Template(namespace=NAMESPACE, clone="a"), phases=phases)
    # Without the last a run does as well, but for telling pulls.
    used = {*own_rights(plan), Right("list", "events", namespace=NAMESPACE)}
    assert _rights(role, NAMESPACE) == used
    (binding,) = manifests.of_kind(documents, "RoleBinding")
    assert binding["metadata"]["namespace"] == NAMESPACE


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
