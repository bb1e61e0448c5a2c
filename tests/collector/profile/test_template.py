from typing import Any

import pytest

from memcollect.errors import UsageError
from memcollect.profile.template import cloned_spec, manifest_of

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
