from typing import Any

import pytest

from memcollect.lab.created import pod_spec, qos_class

CPU_AND_MEMORY = {"cpu": "1", "memory": "1Gi"}


def container(name: str = "app", **resources: dict[str, str]) -> dict[str, Any]:
    return {"name": name, "resources": resources}


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        ([{"name": "app"}], "BestEffort"),
        ([container()], "BestEffort"),
        ([container(requests={"memory": "1Mi"})], "Burstable"),
        ([container(limits={"memory": "1Gi"})], "Burstable"),
        ([container(limits=CPU_AND_MEMORY)], "Guaranteed"),
        ([container(limits=CPU_AND_MEMORY, requests=CPU_AND_MEMORY)], "Guaranteed"),
        ([container(limits=CPU_AND_MEMORY, requests={"memory": "1Mi"})], "Burstable"),
        ([container(limits=CPU_AND_MEMORY), container("side")], "Burstable"),
    ],
)
def test_the_quality_of_service_class_is_kubernetes(containers: list[dict[str, Any]], expected: str) -> None:
    assert qos_class(containers) == expected


def test_a_pod_is_laid_out_by_the_uid_that_the_api_server_gave_it_with_the_limits_of_its_manifest() -> None:
    metadata = {"name": "sandbox-1", "namespace": "deer-flow", "uid": "given"}
    containers = [container(limits={"memory": "512Mi"}), container("side", limits={"memory": "no quantity"})]
    spec = pod_spec({"metadata": metadata, "spec": {"containers": containers}})
    assert (spec.uid, spec.qos_class) == ("given", "Burstable")
    assert [(each.name, each.limits) for each in spec.containers] == [
        ("app", {"memory.max": 512 << 20}),
        ("side", {}),
    ]
