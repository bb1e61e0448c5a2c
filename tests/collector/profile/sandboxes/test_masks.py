"""What a bundle may hold of a manifest: names, and nothing that may be secret."""

from typing import Any

import pytest

from memcollect.profile.sandboxes.masks import MASK, lacks_values, without_secrets

REFERENCE = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}}


def container(**fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "a", **fields}]}}


@pytest.mark.parametrize(
    ("whole", "kept"),
    [
        (container(env=[{"name": "KEY", "value": "s"}]), container(env=[{"name": "KEY", "value": MASK}])),
        (
            {"spec": {"initContainers": [{"name": "i", "env": [{"name": "KEY", "value": "s"}]}]}},
            {"spec": {"initContainers": [{"name": "i", "env": [{"name": "KEY", "value": MASK}]}]}},
        ),
        ({"metadata": {"annotations": {"team/key": "s"}}}, {"metadata": {"annotations": {"team/key": MASK}}}),
        (
            container(livenessProbe={"httpGet": {"httpHeaders": [{"name": "X-Key", "value": "s"}]}}),
            container(livenessProbe={"httpGet": {"httpHeaders": [{"name": "X-Key", "value": MASK}]}}),
        ),
        (
            container(command=["serve", "--token", "s", "--port", "80"], args=["--password=s", "-v"]),
            container(command=["serve", "--token", MASK, "--port", "80"], args=[MASK, "-v"]),
        ),
        (
            container(lifecycle={"preStop": {"exec": {"command": ["sh", "-c", "API_KEY=s stop"]}}}),
            container(lifecycle={"preStop": {"exec": {"command": ["sh", "-c", MASK]}}}),
        ),
    ],
)
def test_names_stay_and_values_go(whole: dict[str, Any], kept: dict[str, Any]) -> None:
    assert without_secrets(whole) == kept
    assert lacks_values(kept)
    assert not lacks_values(whole)


@pytest.mark.parametrize(
    "whole",
    [
        container(image="example/aio", env=[REFERENCE, {"name": "EMPTY", "value": ""}, {"name": "NONE"}]),
        container(envFrom=[{"secretRef": {"name": "keys"}}], command=["python3", "-m", "http.server"]),
        container(env="no list", command="no list", args=None, annotations=["no map"]),
        container(env=["no entry", 3]),
    ],
)
def test_what_is_no_secret_stays_as_it_is(whole: dict[str, Any]) -> None:
    assert without_secrets(whole) == whole
    assert not lacks_values(whole)
