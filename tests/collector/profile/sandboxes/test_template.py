import copy
from pathlib import Path
from typing import Any

import msgspec
import pytest

from memcollect.errors import UsageError
from memcollect.profile.plan.model import Template
from memcollect.profile.sandboxes.source import SandboxError
from memcollect.profile.sandboxes.template import TEMPLATE_NAME, TemplateSource, cloned_spec, manifest_of
from memcollect.profile.tools import Tools
from memcollect.testing import PODS, Cluster, objects

HIDDEN = "sk-very-secret"
BY_NAME = Template(namespace="team", clone="one")
BY_LABEL = Template(namespace="team", clone="app=sandbox", runtime_class="gvisor")
OF_FILE = Template(namespace="team", file="pod.yaml")
RUN = "0123456789"

RUNNING: dict[str, Any] = {
    "nodeName": "node-1",
    "hostname": "h",
    "priority": 0,
    "runtimeClassName": "runc",
    "containers": [
        {
            "name": "sandbox",
            "volumeMounts": [{"name": "kube-api-access-x1"}, {"name": "data", "mountPath": "/mnt/user-data"}],
        }
    ],
    "volumes": [{"name": "kube-api-access-x1", "projected": {}}, {"name": "data", "emptyDir": {}}],
}


def test_what_was_decided_for_one_pod_is_not_cloned() -> None:
    assert cloned_spec(RUNNING) == {
        "runtimeClassName": "runc",
        "containers": [
            {"name": "sandbox", "volumeMounts": [{"name": "data", "mountPath": "/mnt/user-data"}]}
        ],
        "volumes": [{"name": "data", "emptyDir": {}}],
    }


def test_the_running_pods_own_spec_stays_as_it_was() -> None:
    before = str(RUNNING)
    cloned_spec(RUNNING)
    assert str(RUNNING) == before


def test_a_workloads_pod_template_is_a_manifest_too() -> None:
    text = b"kind: Deployment\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n"
    assert manifest_of(text)["spec"] == {"containers": [{"name": "a"}]}


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"kind: Service\nspec: 3\n", b"kind: Pod\nspec: {}\n", b"{", b"\xff", b"a: &a [*a]"]
)
def test_what_is_no_pod_is_a_sentence(text: bytes) -> None:
    with pytest.raises(UsageError, match="The source's file"):
        manifest_of(text)


@pytest.fixture
def secretive(state: Cluster, tmp_path: Path) -> dict[str, Any]:
    """A pod with a secret in its environment and one in an annotation; it runs, and is in a file, too."""
    pod = objects.pod("team", "one", node="node-1", labels={"app": "sandbox"}, containers=("sandbox",))
    pod["metadata"]["annotations"] = {"team/key": HIDDEN}
    pod["spec"]["containers"][0]["env"] = [{"name": "OPENAI_API_KEY", "value": HIDDEN}]
    state.put(PODS, pod)
    (tmp_path / "pod.yaml").write_bytes(msgspec.json.encode(pod))
    return pod


def made(state: Cluster, tools: Tools, source: TemplateSource) -> dict[str, Any]:
    """Return the pod that the source makes."""
    seen: list[dict[str, Any]] = []
    state.on_pod_created = lambda pod: seen.append(copy.deepcopy(pod))
    source.make(tools, source.place("mc-1"))
    (pod,) = seen
    return pod


@pytest.mark.usefixtures("secretive")
@pytest.mark.parametrize("template", [BY_NAME, BY_LABEL, OF_FILE])
def test_pods_have_the_environment_and_the_bundle_has_its_names_alone(
    state: Cluster, tools: Tools, tmp_path: Path, template: Template
) -> None:
    file = tmp_path / template.file if template.file else None
    source = TemplateSource(template, RUN, None, file)
    kept = source.prepare(tools)[TEMPLATE_NAME]
    assert HIDDEN.encode() not in kept
    assert b"OPENAI_API_KEY" in kept
    # A run that goes on has the values from where they were, and its bundle has them no more than before.
    again = TemplateSource(template, RUN, kept, file)
    assert again.prepare(tools)[TEMPLATE_NAME] == kept
    for each, name in ((source, "mc-1"), (again, "mc-1")):
        pod = made(state, tools, each)
        state.remove(PODS, name, "team")
        assert pod["spec"]["containers"][0]["env"] == [{"name": "OPENAI_API_KEY", "value": HIDDEN}]
        assert pod["metadata"]["annotations"] == {"team/key": HIDDEN}


def test_of_several_running_pods_that_one_is_taken_again_which_is_as_it_was(
    state: Cluster, tools: Tools, secretive: dict[str, Any]
) -> None:
    kept = TemplateSource(BY_LABEL, RUN).prepare(tools)[TEMPLATE_NAME]
    other = copy.deepcopy(secretive)
    other["metadata"] |= {"name": "another", "uid": "u2"}
    other["spec"]["containers"][0]["image"] = "example/other"
    state.put(PODS, other)
    source = TemplateSource(BY_LABEL, RUN, kept)
    source.prepare(tools)
    assert made(state, tools, source)["spec"]["containers"][0]["image"] != "example/other"


def test_a_run_does_not_go_on_with_a_pod_that_is_another_one_now(
    state: Cluster, tools: Tools, secretive: dict[str, Any]
) -> None:
    kept = TemplateSource(BY_NAME, RUN).prepare(tools)[TEMPLATE_NAME]
    secretive["spec"]["containers"][0]["image"] = "example/other"
    state.put(PODS, secretive)
    with pytest.raises(SandboxError, match=r"like the pod one, .* is another one now.*--clean"):
        TemplateSource(BY_NAME, RUN, kept).prepare(tools)
    state.remove(PODS, "one", "team")
    with pytest.raises(SandboxError, match=r"it is not there \("):
        TemplateSource(BY_NAME, RUN, kept).prepare(tools)


@pytest.mark.usefixtures("secretive")
def test_a_run_does_not_go_on_with_a_file_that_was_changed_or_is_gone(tools: Tools, tmp_path: Path) -> None:
    file = tmp_path / "pod.yaml"
    kept = TemplateSource(OF_FILE, RUN, None, file).prepare(tools)[TEMPLATE_NAME]
    file.write_text("kind: Pod\nspec:\n  containers:\n  - name: other\n")
    with pytest.raises(SandboxError, match=r"pod\.yaml, .* is another one now"):
        TemplateSource(OF_FILE, RUN, kept, file).prepare(tools)
    file.unlink()
    with pytest.raises(SandboxError, match=r"it is not there \(.*pod\.yaml cannot be read"):
        TemplateSource(OF_FILE, RUN, kept, file).prepare(tools)
