import msgspec
import pytest

from memcollect.kubernetes import objects as kube
from memcollect.taking.known_pods import known_pod, request_bytes

MIB = 1 << 20


def spec(fields: dict[str, object]) -> kube.PodSpec:
    return msgspec.convert(fields, kube.PodSpec)


def container(request: str = "", limit: str = "", **more: str) -> dict[str, object]:
    resources = {key: {"memory": value} for key, value in (("requests", request), ("limits", limit)) if value}
    return {"name": "c", "resources": resources, **more}


@pytest.mark.parametrize(
    ("fields", "mib"),
    [
        ({"containers": [container("100Mi"), container("50Mi")]}, 150),
        ({"containers": [container(limit="70Mi")]}, 70),
        ({"containers": [container()]}, 0),
        ({"containers": [container("10Mi")], "initContainers": [container("300Mi")]}, 300),
        (
            {
                "containers": [container("10Mi")],
                "initContainers": [container("5Mi", restartPolicy="Always"), container("20Mi")],
            },
            25,
        ),
        ({"containers": [container("10Mi")], "overhead": {"memory": "120Mi"}}, 130),
    ],
)
def test_a_request_is_counted_as_the_scheduler_counts_it(fields: dict[str, object], mib: int) -> None:
    assert request_bytes(spec(fields)) == mib * MIB


def test_a_request_that_is_no_quantity_is_not_known() -> None:
    assert request_bytes(spec({"containers": [container("a lot")]})) is None


def test_evictions_and_kills_are_read_from_the_status() -> None:
    pod = msgspec.convert(
        {
            "metadata": {"name": "web", "namespace": "team", "uid": "u"},
            "spec": {"priority": 5},
            "status": {
                "phase": "Failed",
                "reason": "Evicted",
                "message": "The node was low on resource: memory.",
                "containerStatuses": [
                    {"name": "a", "lastState": {"terminated": {"reason": "OOMKilled", "finishedAt": "T"}}}
                ],
            },
        },
        kube.Pod,
    )

    known = known_pod(pod)
    assert known.evicted == "The node was low on resource: memory."
    assert (known.oom_killed, known.priority, known.is_static) == (["a at T"], 5, False)
