"""The chart, rendered by Helm's own engine, against what kustomize prints."""

import importlib.util
from collections.abc import Iterator
from typing import Any

import kubernetes_validate
import pytest
import yaml

from release.chart import manifests as kustomized
from worlds import manifests
from worlds.manifests import DEPLOY, Document
from worlds.released import LIMIT_SECONDS, Released

pytestmark = [pytest.mark.dist, pytest.mark.timeout(2 * LIMIT_SECONDS)]
OVERLAYS = [each.removeprefix("overlays/") for each in manifests.OVERLAYS]
DIGEST = f"sha256:{'0a' * 32}"


@pytest.fixture(scope="module")
def helm() -> Any:
    """Helm's library; it is installed on Linux, x86-64, alone."""
    if importlib.util.find_spec("helm_python") is None:
        pytest.skip("Helm's engine is not here (the extra `release` has it for Linux, x86-64)")
    return importlib.import_module("helm_python")


@pytest.fixture(scope="module")
def chart(helm: Any, released: Released) -> Iterator[Any]:
    """The archive, as Helm loads it."""
    with helm.Chart.load(released.one("*.tgz")) as loaded:
        yield loaded


@pytest.fixture(scope="module")
def kustomize() -> dict[str, str]:
    """What it prints of every overlay, and of the base."""
    return kustomized(DEPLOY)


def rendered(chart: Any, values: Document) -> list[Document]:
    texts = chart.render(values, name="memcollect", namespace="default")
    return list(yaml.safe_load_all(texts["memcollect-agent/templates/objects.yaml"]))


def by_name(documents: list[Document]) -> dict[tuple[str, str], Document]:
    return {(each["kind"], each["metadata"]["name"]): each for each in documents}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_it_makes_the_objects_of_kustomize(chart: Any, kustomize: dict[str, str], overlay: str) -> None:
    """But for the image's tag, which is the release's."""
    expected = list(yaml.safe_load_all(kustomize[overlay]))
    tag = chart.metadata["appVersion"]
    manifests.agent(expected)["image"] = f"localhost/memcollect-agent:{tag}"
    made = rendered(chart, {"overlay": overlay})
    assert by_name(made) == by_name(expected)
    assert len(made) == len(expected)


def test_it_knows_every_overlay_and_no_other(chart: Any) -> None:
    assert sorted(chart.schema["properties"]["overlay"]["enum"]) == sorted(OVERLAYS)


def test_helm_has_nothing_to_say_against_it(helm: Any, released: Released) -> None:
    report = helm.lint(released.one("*.tgz"), strict=True)
    assert [each["error"] for each in report["messages"]] == ["icon is recommended"]
    assert report["errors"] == []


def test_values_go_to_their_places_and_nowhere_else(chart: Any) -> None:
    limits = {"limits": {"memory": "256Mi"}}
    values = {
        "image": {"repository": "registry.example/agent", "digest": DIGEST, "pullSecrets": [{"name": "key"}]},
        "resources": limits,
        "nodeSelector": {"pool": "sandboxes"},
        "tolerations": [{"key": "a", "operator": "Exists"}],
    }
    changed, plain = rendered(chart, values), rendered(chart, {})
    container, pod = manifests.agent(changed), manifests.pod_spec(changed)
    assert container["image"] == f"registry.example/agent@{DIGEST}"
    assert (container["resources"], pod["nodeSelector"]) == (limits, {"pool": "sandboxes"})
    assert pod["tolerations"] == [{"key": "a", "operator": "Exists"}]
    assert pod["imagePullSecrets"] == [{"name": "key"}]
    kubernetes_validate.validate(manifests.daemon_set(changed), "1.37.0", strict=True)
    apart = [one for one, other in zip(changed, plain, strict=True) if one != other]
    assert [each["kind"] for each in apart] == ["DaemonSet"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_another_namespace_holds_all_of_it(chart: Any, overlay: str) -> None:
    made = rendered(chart, {"overlay": overlay, "namespace": "measuring", "createNamespace": False})
    assert manifests.of_kind(made, "Namespace") == []
    named = {each["metadata"]["namespace"] for each in made if "namespace" in each["metadata"]}
    subjects = {subject["namespace"] for each in made for subject in each.get("subjects", [])}
    assert named | subjects == {"measuring"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"overlay": "absent"}, "'/overlay': value must be one of 'base'"),
        ({"image": {"digest": "latest"}}, "'/image/digest'"),
        ({"imagePullPolicy": "Always"}, "additional properties 'imagePullPolicy' not allowed"),
        ({"namespace": "Not A Name"}, "'/namespace'"),
    ],
)
def test_values_that_mean_nothing_are_refused(helm: Any, chart: Any, values: Document, said: str) -> None:
    with pytest.raises(helm.HelmValuesError) as refused:
        rendered(chart, values)
    assert said in str(refused.value)
