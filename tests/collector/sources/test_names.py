import pytest

from memcollect.errors import UsageError
from memcollect.sources.names import checked


@pytest.mark.parametrize("name", ["a", "deer-flow", "web-1", "node-1.example.com", "x" * 253])
def test_a_kubernetes_name_is_taken_as_it_is(name: str) -> None:
    assert checked("pod", name) == name


@pytest.mark.parametrize("name", ["", "..", "a/b", "a?b", "A", "-a", "a-", "a..b", "a%2fb", "x" * 254, "a\n"])
def test_a_name_that_would_ask_another_question_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a pod"):
        checked("pod", name)
