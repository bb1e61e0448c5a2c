"""The agents as they are deployed there, and what the doctor says of them."""

import json

import pytest

from cluster.kubectl import Kubectl
from cluster.measured import Memcollect, Say
from cluster.pods import Json

pytestmark = pytest.mark.cluster

DRIVERS = {"systemd", "cgroupfs"}


@pytest.fixture(scope="module")
def diagnosis(memcollect: Memcollect) -> dict[str, Json]:
    """The doctor's lines by the name of the check."""
    done = memcollect.doctor("--format", "json")
    assert done.returncode == 0, done.stdout + done.stderr
    return {each["check"]: each for each in json.loads(done.stdout)["results"]}


def test_the_doctor_finds_nothing_that_fails(diagnosis: dict[str, Json], say: Say) -> None:
    statuses = [each["status"] for each in diagnosis.values()]
    assert "fail" not in statuses
    say(", ".join(f"{statuses.count(each)} {each}" for each in sorted(set(statuses))))


def test_each_nodes_cgroup_driver_is_told(diagnosis: dict[str, Json], kubectl: Kubectl, say: Say) -> None:
    told = {each["name"]: each["detail"] for each in diagnosis["cgroup-driver"]["items"]}
    assert told
    assert set(told.values()) <= DRIVERS, told
    nodes = {each["metadata"]["name"]: each for each in kubectl.listed("nodes") or []}
    for name, driver in sorted(told.items()):
        info = nodes.get(name, {}).get("status", {}).get("nodeInfo", {})
        versions = (info.get(each) for each in ("kubeletVersion", "kernelVersion", "containerRuntimeVersion"))
        say(f"{name}: {driver} ({', '.join(filter(None, versions)) or 'we may not look at it'})")


def test_the_agents_hold_no_token_and_one_read_only_mount(agent_pods: list[Json], say: Say) -> None:
    assert agent_pods
    for each in agent_pods:
        assert [volume["name"] for volume in each["spec"]["volumes"]] == ["cgroup"]
        (agent,) = each["spec"]["containers"]
        assert agent["securityContext"]["readOnlyRootFilesystem"] is True
        assert [mount["readOnly"] for mount in agent["volumeMounts"]] == [True]
    say(f"{len(agent_pods)} agent{'' if len(agent_pods) == 1 else 's'}")
