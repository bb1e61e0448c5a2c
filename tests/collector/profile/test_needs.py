"""What a plan needs, and what the API server says of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from memcollect.errors import DeniedError
from memcollect.profile.needs import own_rights, require, rights_of
from memcollect.profile.plan.model import (
    Call,
    Evidence,
    Exec,
    Http,
    Nothing,
    Phase,
    Plan,
    Provisioned,
    Reuse,
    Scale,
    Selected,
    Source,
    Template,
)
from memcollect.sources.access import PATH as REVIEWS
from memcollect.sources.api import Api
from memcollect.sources.kube_config import connect
from memcollect.sources.rights import needed_rights
from memcollect.testing import Cluster, Fault, StandInCluster

TEMPLATE = Template(namespace="sand", file="pod.yaml")
SELECTED = Selected(namespace="sand", selector="a=b")
PROVISIONED = Provisioned(
    namespace="sand", create=Call(url="http://x/{id}"), delete=Call(url="http://x/{id}")
)
NOTHING = Nothing(name="empty")
RUNS = Exec(name="run", command=["true"])


def plan(source: Source, *phases: Phase) -> Plan:
    return Plan(name="p", source=source, phases=list(phases) or [NOTHING])


def own(source: Source, *phases: Phase) -> list[str]:
    return [str(each) for each in own_rights(plan(source, *phases))]


@pytest.fixture
def state() -> Cluster:
    return Cluster()


@pytest.fixture
def api(state: Cluster, tmp_path: Path) -> Iterator[Api]:
    with StandInCluster(state) as server:
        kubeconfig = server.kubeconfig(tmp_path / "kubeconfig")
        with Api(connect(str(kubeconfig))) as found:
            yield found


def refusal(api: Api, needed: Plan) -> DeniedError:
    with pytest.raises(DeniedError) as caught:
        require(api, rights_of(needed, "memcollect"))
    return caught.value


def test_pods_of_others_need_no_more_than_a_snapshot_of_their_namespace() -> None:
    assert rights_of(plan(SELECTED), "agents") == needed_rights(["sand"], "agents")


def test_a_template_makes_and_deletes_pods_and_a_provisioner_does_it_itself() -> None:
    assert own(TEMPLATE) == ["create pods in namespace sand", "delete pods in namespace sand"]
    assert own(PROVISIONED) == []


@pytest.mark.parametrize(
    "phase", [RUNS, Reuse(name="r", command=["true"]), Scale(name="s", steps=[2], command=["true"])]
)
def test_commands_need_exec(phase: Phase) -> None:
    assert own(SELECTED, phase) == [
        "get pods/exec in namespace sand",
        "create pods/exec in namespace sand",
    ]


def test_phases_without_a_command_need_none() -> None:
    assert own(SELECTED, Reuse(name="r"), Scale(name="s", steps=[2])) == []


def test_requests_to_sandboxes_need_forwards_to_them() -> None:
    assert own(SELECTED, Http(name="h")) == [
        "get pods/portforward in namespace sand",
        "create pods/portforward in namespace sand",
    ]


@pytest.mark.parametrize(("driver", "door"), [("", "exec"), ("exec", "exec"), ("aio", "portforward")])
def test_trying_a_backend_needs_the_door_that_it_is_tried_by(
    driver: Literal["", "exec", "aio"], door: str
) -> None:
    found = own(SELECTED, Evidence(name="e", driver=driver, rows=["Commands"]))
    assert found == [f"{verb} pods/{door} in namespace sand" for verb in ("get", "create")]


BESIDE = ["list services in namespace sand", "list persistentvolumeclaims in namespace sand"]


@pytest.mark.parametrize(
    ("row", "read"),
    [
        ("Files", []),
        ("Cleanup", BESIDE),
        (
            "Operations",
            [
                *BESIDE,
                "list networkpolicies.networking.k8s.io in namespace sand",
                "list customresourcedefinitions.apiextensions.k8s.io of the cluster",
                "list pods in all namespaces",
            ],
        ),
    ],
)
def test_trying_needs_what_its_rows_read_of_the_cluster(row: str, read: list[str]) -> None:
    assert own(SELECTED, Evidence(name="e", rows=[row]))[2:] == read


def test_who_may_do_all_is_told_nothing(api: Api) -> None:
    require(api, rights_of(plan(TEMPLATE, RUNS), "memcollect"))


def test_all_that_lacks_is_said_at_once(state: Cluster, api: Api) -> None:
    state.access.deny("create", "pods", namespace="sand")
    state.access.deny("delete", "pods", namespace="sand")
    state.access.deny(resource="pods/exec", namespace="sand")
    error = refusal(api, plan(TEMPLATE, RUNS))
    assert error.sentence == "The plan needs 4 rights that you do not have. Nothing was begun."
    assert "kubectl auth can-i --list -n sand" in error.remedy
    assert error.details == (
        "create and delete pods in namespace sand",
        "get and create pods/exec in namespace sand",
    )


def test_an_older_server_asks_get_alone_of_commands(state: Cluster, api: Api) -> None:
    state.access.deny("create", "pods/exec", namespace="sand")
    state.version["minor"] = "34"
    require(api, rights_of(plan(TEMPLATE, RUNS), "memcollect"))
    state.version["minor"] = "35"
    assert refusal(api, plan(TEMPLATE, RUNS)).details == ("create pods/exec in namespace sand",)


def test_where_the_server_cannot_say_nothing_is_held_against_anybody(state: Cluster, api: Api) -> None:
    state.access.deny("create", "pods", namespace="sand")
    state.fault(Fault(REVIEWS, status=403, times=None))
    require(api, rights_of(plan(TEMPLATE, RUNS), "memcollect"))
