import datetime as dt
from typing import Any

import pytest

from memcollect.testing import objects, pod_status

NOW = dt.datetime(2026, 1, 1, 0, 10, tzinfo=dt.UTC)


def pod(**status: Any) -> dict[str, Any]:
    made = objects.pod("team", "a")
    made["status"] = {"phase": "Running", **status}
    return made


def container(state: dict[str, Any], *, name: str = "main", **extra: Any) -> dict[str, Any]:
    return {"name": name, "restartCount": 0, "state": state, **extra}


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"waiting": {"reason": "CrashLoopBackOff"}}, "CrashLoopBackOff"),
        ({"terminated": {"reason": "OOMKilled", "exitCode": 137}}, "OOMKilled"),
        ({"terminated": {"exitCode": 2}}, "ExitCode:2"),
        ({"terminated": {"exitCode": 0, "signal": 9}}, "Signal:9"),
    ],
)
def test_a_container_that_does_not_run_gives_the_pod_its_reason(state: dict[str, Any], expected: str) -> None:
    summary = pod_status.summarize(pod(containerStatuses=[container(state)]))
    assert (summary.reason, summary.ready, summary.total) == (expected, 0, 1)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({"running": {}}, "Init:0/2"),
        ({"waiting": {"reason": "PodInitializing"}}, "Init:0/2"),
        ({"waiting": {"reason": "ImagePullBackOff"}}, "Init:ImagePullBackOff"),
        ({"terminated": {"exitCode": 1}}, "Init:ExitCode:1"),
        ({"terminated": {"exitCode": 1, "reason": "Error"}}, "Init:Error"),
    ],
)
def test_an_init_container_at_work_hides_the_main_ones(state: dict[str, Any], expected: str) -> None:
    made = pod(phase="Pending", initContainerStatuses=[container(state, name="one")])
    made["spec"]["initContainers"] = [{"name": "one"}, {"name": "two"}]
    assert pod_status.summarize(made).reason == expected


def test_a_sidecar_counts_among_the_containers_of_a_pod() -> None:
    made = pod(
        initContainerStatuses=[container({"running": {}}, name="proxy", ready=True, started=True)],
        containerStatuses=[container({"running": {}}, ready=True)],
    )
    made["spec"]["initContainers"] = [{"name": "proxy", "restartPolicy": "Always"}]
    summary = pod_status.summarize(made)
    assert (summary.ready, summary.total, summary.reason) == (2, 2, "Running")


def test_restarts_tell_how_long_ago_the_last_one_was() -> None:
    ended = {"terminated": {"finishedAt": "2026-01-01T00:02:40Z"}}
    made = pod(containerStatuses=[container({"running": {}}, restartCount=2, lastState=ended)])
    assert pod_status.summarize(made).restarts_cell(NOW) == "2 (7m20s ago)"


def test_a_pod_that_is_being_deleted_is_terminating_until_it_has_ended() -> None:
    made = pod()
    made["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert pod_status.summarize(made).reason == "Terminating"
    made["status"]["phase"] = "Succeeded"
    assert pod_status.summarize(made).reason == "Succeeded"


def test_an_evicted_pod_says_so() -> None:
    assert pod_status.summarize(pod(phase="Failed", reason="Evicted")).reason == "Evicted"
