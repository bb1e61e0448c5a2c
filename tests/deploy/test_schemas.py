"""Every manifest against the API's own schemas: of the oldest release carried and the three newest."""

import kubernetes_validate
import pytest

from worlds import manifests

RELEASES = ["1.31.0", "1.35.0", "1.36.0", "1.37.0"]
FOREIGN_GROUPS = ("security.openshift.io/", "monitoring.coreos.com/")
"""Of extensions, whose schemas Kubernetes does not carry."""


def _own(documents: list[manifests.Document]) -> list[manifests.Document]:
    return [each for each in documents if not each["apiVersion"].startswith(FOREIGN_GROUPS)]


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", manifests.OVERLAYS)
def test_what_is_applied_is_valid(name: str, release: str) -> None:
    documents = _own(manifests.rendered(name))
    assert documents
    for document in documents:
        kubernetes_validate.validate(document, release, strict=True)


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("name", manifests.EXAMPLES)
def test_the_examples_are_valid(name: str, release: str) -> None:
    for document in manifests.read(name):
        kubernetes_validate.validate(document, release, strict=True)


def test_a_field_that_does_not_exist_would_be_seen() -> None:
    documents = manifests.rendered("base")
    manifests.pod_spec(documents)["hostPid"] = True
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifests.daemon_set(documents), "1.37.0", strict=True)
