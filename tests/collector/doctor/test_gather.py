import pytest

from memcollect.doctor.facts import Fault, PodsSeen, Question
from memcollect.doctor.gather import cluster_facts
from memcollect.errors import UsageError
from memcollect.testing import Fault as Script
from worlds.doctor_stage import Stage


def test_only_rights_that_a_snapshot_needs_are_used(healthy: Stage) -> None:
    healthy.report()
    asked = {(each.method, each.path) for each in healthy.state.requests}
    writes = {path for method, path in asked if method != "GET"}
    assert writes == {"/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"}
    assert not any("proxy" in path or "secrets" in path or "daemonsets" in path for _, path in asked)


def test_progress_counts_the_agents(healthy: Stage) -> None:
    told: list[tuple[str, int, int]] = []
    question = Question(kubeconfig=healthy.kubeconfig, namespaces=["deer-flow"])
    cluster_facts(question, lambda what, done, of: told.append((what, done, of)))
    assert told[0][0] == "asking the API server"
    assert told[-1] == ("asking agents", 2, 2)


def test_an_answer_that_fails_is_a_fact_and_the_rest_is_still_asked(healthy: Stage) -> None:
    healthy.state.fault(Script("/api/v1/nodes", status=500, times=None))
    facts = cluster_facts(Question(kubeconfig=healthy.kubeconfig, namespaces=["deer-flow"]))
    assert isinstance(facts.nodes, Fault)
    assert isinstance(facts.pods, PodsSeen)
    assert len(facts.conversations) == 2


@pytest.mark.parametrize("namespace", ["../secrets", "A", ""])
def test_a_namespace_that_cannot_be_is_wrong_usage(stage: Stage, namespace: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a namespace"):
        cluster_facts(Question(kubeconfig=stage.kubeconfig, namespaces=[namespace]))


def test_the_sentence_about_many_namespaces_is_short() -> None:
    assert Question(namespaces=None).place == "all namespaces"
    assert Question(namespaces=["a", "b", "c", "d"]).place == "namespaces a, b, c, …"


def test_names_in_commands_are_quoted() -> None:
    question = Question(context="it's; rm")
    assert question.kubectl("describe node {}", "a b") == (
        """kubectl --context 'it'"'"'s; rm' describe node 'a b'"""
    )
