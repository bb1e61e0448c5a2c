"""The manifests of deploy/ as kubectl renders them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from memcollect.taking.files_manifest import DeployedAgent, manifest
from memcollect_agent.wire import DEFAULT_PORT
from worlds import children
from worlds.real_kubectl import why_not

DEPLOY = Path(__file__).parents[2] / "deploy"
OVERLAYS = ["base", *sorted(f"overlays/{each.name}" for each in (DEPLOY / "overlays").iterdir())]
EXAMPLES = sorted(f"examples/{each.name}" for each in (DEPLOY / "examples").glob("*.yaml"))

Document = dict[str, Any]


def rendered(name: str) -> list[Document]:
    """Return what `kubectl apply -k deploy/NAME` would send; the calling test is skipped without kubectl."""
    if why_not():
        pytest.skip(why_not())
    done = children.run(["kubectl", "kustomize", str(DEPLOY / name)])
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def read(name: str) -> list[Document]:
    """Return the documents of one plain file below deploy/."""
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


def objects() -> Iterator[tuple[str, Document]]:
    """Yield every object that the plain files of deploy/ define, with the file."""
    for path in sorted(DEPLOY.glob("[beo]*/**/*.yaml")):
        name = str(path.relative_to(DEPLOY))
        for document in read(name):
            if document["kind"] != "Kustomization":
                yield name, document


def of_kind(documents: list[Document], kind: str) -> list[Document]:
    """Return the documents of one kind."""
    return [each for each in documents if each["kind"] == kind]


def daemon_set(documents: list[Document]) -> Document:
    """Return the one DaemonSet."""
    (found,) = of_kind(documents, "DaemonSet")
    return found


def pod_spec(documents: list[Document]) -> Document:
    """Return the pod that the DaemonSet makes."""
    spec: Document = daemon_set(documents)["spec"]["template"]["spec"]
    return spec


def deployed_agent(overlay: str) -> DeployedAgent:
    """Return a pod of the DaemonSet that an overlay deploys, as far as `--files-pod` looks at it."""
    template = daemon_set(rendered(overlay))["spec"]["template"]
    metadata = {**template["metadata"], "name": "memcollect-agent-x", "namespace": "memcollect"}
    return msgspec.convert({"metadata": metadata, "spec": template["spec"]}, DeployedAgent)


def files_pod(overlay: str) -> Document:
    """Return the pod that `--files-pod` makes beside it."""
    return manifest(deployed_agent(overlay), "node-1", "0123456789", DEFAULT_PORT, 150).document


def agent(documents: list[Document]) -> Document:
    """Return its one container."""
    (container,) = pod_spec(documents)["containers"]
    found: Document = container
    return found
