import json
from pathlib import Path

import pytest

from memcollect.testing import Access, Attributes, Rule
from memcollect.testing.failures import ApiError

LIST_PODS = Attributes("list", "", "pods", "team")


def test_without_tokens_everybody_is_let_in() -> None:
    assert Access().user(None)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer wrong", "Basic right"])
def test_with_tokens_anything_else_is_unauthorized(header: str | None, api_recordings: Path) -> None:
    access = Access()
    access.tokens["right"] = "alice"
    assert access.user("Bearer right") == "alice"
    with pytest.raises(ApiError) as caught:
        access.user(header)
    assert caught.value.status == json.loads((api_recordings / "401.json").read_bytes())


def test_a_refusal_is_worded_as_recorded(api_recordings: Path) -> None:
    access = Access()
    access.deny("list", "secrets", reason="No Object name found")
    with pytest.raises(ApiError) as caught:
        access.check("system:node:uml-node-1", Attributes("list", "", "secrets", "kube-system"))
    assert caught.value.status == json.loads((api_recordings / "403.json").read_bytes())


def test_a_refusal_at_the_cluster_scope_names_object_and_group() -> None:
    access = Access()
    access.deny(group="metrics.k8s.io")
    with pytest.raises(ApiError) as caught:
        access.check("bob", Attributes("get", "metrics.k8s.io", "nodes", name="n1"))
    assert str(caught.value) == (
        'nodes.metrics.k8s.io "n1" is forbidden: User "bob" cannot get resource "nodes" '
        'in API group "metrics.k8s.io" at the cluster scope'
    )
    assert caught.value.status["details"] == {"name": "n1", "group": "metrics.k8s.io", "kind": "nodes"}


def test_the_latest_rule_that_covers_a_request_decides() -> None:
    access = Access()
    access.deny("list", "pods", namespace="team")
    assert not access.decide(LIST_PODS).allowed
    assert access.decide(Attributes("list", "", "pods", "other")).allowed
    access.deny("*", "pods/portforward")
    assert not access.decide(Attributes("create", "", "pods/portforward", "team")).allowed


def test_a_review_is_answered_like_the_recorded_one(api_recordings: Path) -> None:
    recorded = json.loads((api_recordings / "selfsubjectaccessreview.json").read_bytes())
    answered = Access().review({"spec": recorded["spec"]})
    # Nothing is stored here, so that nobody manages a field of it.
    recorded["metadata"].pop("managedFields")
    assert answered == recorded


def test_a_review_of_a_subresource_is_held_against_its_own_rule() -> None:
    access = Access()
    access.deny("create", "pods/portforward", reason="not today")
    spec = {"resourceAttributes": {"verb": "create", "resource": "pods", "subresource": "portforward"}}
    assert access.review({"spec": spec})["status"] == {"allowed": False, "reason": "not today"}
    spec["resourceAttributes"].pop("subresource")
    assert access.review({"spec": spec})["status"] == {"allowed": True}


def test_one_users_rules_are_held_against_that_user_alone() -> None:
    access = Access()
    access.rules_of = lambda user: [Rule(False)] if user == "bob" else []
    assert access.decide(LIST_PODS, "alice").allowed
    assert not access.decide(LIST_PODS, "bob").allowed
    spec = {"resourceAttributes": {"verb": "list", "resource": "pods"}}
    assert [access.review({"spec": spec}, user)["status"]["allowed"] for user in ("alice", "bob")] == [
        True,
        False,
    ]
    with pytest.raises(ApiError):
        access.check("bob", LIST_PODS)
