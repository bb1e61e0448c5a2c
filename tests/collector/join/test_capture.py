import pytest

from memcollect.join import missing_from_problem
from memcollect_agent.wire import Problem


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [("denied", "run as root"), ("budget", "raise --timeout"), ("not-found", "check that")],
)
def test_a_problem_is_missing_with_what_to_do(reason: str, remedy: str) -> None:
    missing = missing_from_problem(
        Problem(kind="pod", name="p", reason=reason, detail="it was not read"), "node-1"
    )
    assert (missing.kind, missing.name, missing.node, missing.reason) == ("pod", "p", "node-1", reason)
    assert missing.detail.startswith(f"it was not read; {remedy}")


def test_a_problem_whose_sentence_says_all_is_left_as_it_is() -> None:
    problem = Problem(kind="node", name="n", reason="unsupported", detail="upgrade the agent")
    assert missing_from_problem(problem, "n").detail == "upgrade the agent"
