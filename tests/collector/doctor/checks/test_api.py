from memcollect.doctor.checks.api import kubeconfig, reachable
from memcollect.doctor.facts import ClusterFacts, Connected, Question, Reached
from memcollect.kubernetes.objects import ServerVersion


def facts(seconds: float, version: str = "v1.36.2") -> ClusterFacts:
    return ClusterFacts(
        question=Question(),
        connected=Connected(origin="in-cluster", context=None, server="https://10.0.0.1"),
        reached=Reached(version=ServerVersion(git_version=version), seconds=seconds),
    )


def test_the_version_and_the_time_are_told() -> None:
    assert reachable(facts(0.012)).sentence == "Kubernetes v1.36.2 answers in 12 ms."


def test_a_slow_server_is_a_warning_with_where_to_look() -> None:
    finding = reachable(facts(3.0))
    assert (finding.status, finding.commands) == ("warn", ("kubectl get --raw '/readyz?verbose'",))


def test_a_server_without_a_version_is_not_given_one() -> None:
    assert reachable(facts(0.012, "")).sentence == "Kubernetes of no known version answers in 12 ms."


def test_in_a_pod_there_is_no_context_to_name() -> None:
    assert kubeconfig(facts(0.01)).sentence == "in-cluster, server https://10.0.0.1."
