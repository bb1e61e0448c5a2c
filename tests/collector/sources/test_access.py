from pathlib import Path

import pytest

from memcollect.sources.access import PATH, review
from memcollect.sources.api import Api
from memcollect.sources.rights import Right, needed_rights
from memcollect.testing import Cluster, Fault


def test_a_granted_right_is_allowed(api: Api) -> None:
    assert review(api, Right("list", "pods", namespace="team")).allowed is True


def test_a_right_that_is_denied_says_why(api: Api, state: Cluster) -> None:
    state.access.deny("create", "pods/portforward", namespace="memcollect", reason="no")
    forward = Right("create", "pods", namespace="memcollect", subresource="portforward")
    access = review(api, forward)
    assert (access.allowed, access.detail) == (False, "no")
    assert review(api, Right("create", "pods", namespace="memcollect")).allowed is True


def test_a_recorded_answer_is_understood(api: Api, state: Cluster, recorded: Path) -> None:
    state.fault(Fault(PATH, body=(recorded / "selfsubjectaccessreview.json").read_bytes()))
    assert review(api, Right("get", "pods")).allowed is True


@pytest.mark.parametrize("fault", [Fault(PATH, status=403), Fault(PATH, body=b"{}")])
def test_an_api_server_that_cannot_say_leaves_it_unknown(api: Api, state: Cluster, fault: Fault) -> None:
    state.fault(fault)
    access = review(api, Right("get", "pods"))
    assert access.allowed is None
    assert access.detail


def test_every_needed_right_is_one_that_the_collector_was_promised() -> None:
    asked = {
        (right.verb, right.full_resource, right.namespace)
        for right in needed_rights(["team"], agent_namespace="memcollect")
    }
    assert asked == {
        ("get", "pods", "team"),
        ("list", "pods", "team"),
        ("get", "pods.metrics.k8s.io", "team"),
        ("list", "pods.metrics.k8s.io", "team"),
        ("get", "nodes", None),
        ("list", "nodes", None),
        ("get", "runtimeclasses.node.k8s.io", None),
        ("list", "runtimeclasses.node.k8s.io", None),
        ("list", "pods", "memcollect"),
        ("get", "pods/portforward", "memcollect"),
        ("create", "pods/portforward", "memcollect"),
    }


def test_the_request_names_what_is_asked_for(api: Api, state: Cluster) -> None:
    state.access.deny("list", "nodes")
    assert review(api, Right("list", "nodes")).allowed is False
