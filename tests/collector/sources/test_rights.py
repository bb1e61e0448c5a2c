import pytest

from memcollect.sources.rights import Right


@pytest.mark.parametrize(
    ("right", "words", "command"),
    [
        (Right("list", "pods"), "list pods in all namespaces", "kubectl auth can-i list pods -A"),
        (Right("list", "nodes"), "list nodes of the cluster", "kubectl auth can-i list nodes"),
        (
            Right("create", "pods", namespace="memcollect", subresource="portforward"),
            "create pods/portforward in namespace memcollect",
            "kubectl auth can-i create pods/portforward -n memcollect",
        ),
        (
            Right("get", "pods", "metrics.k8s.io", "team"),
            "get pods.metrics.k8s.io in namespace team",
            "kubectl auth can-i get pods.metrics.k8s.io -n team",
        ),
    ],
)
def test_a_right_is_said_in_words_and_as_the_command_that_checks_it(
    right: Right, words: str, command: str
) -> None:
    assert str(right) == words
    assert right.command == command
