import pytest

from memcollect.doctor.checks.kernel import itemised, release
from memcollect.doctor.facts import ClusterFacts, Conversation, Question
from memcollect.sources.agents import Answer, Target
from memcollect_agent.wire import Cgroup, Node, NodeSample, Pod


def facts(kernel: str | None, stat: dict[str, int] | None = None) -> ClusterFacts:
    pods = [Pod(uid="u", cgroup=Cgroup(path="/p", stat=stat))]
    sample = NodeSample(sampled_at=1.0, finished_at=1.0, node=Node(name="n", kernel=kernel), pods=pods)
    answer = Answer(target=Target(node="n", agent=None), sample=sample)
    return ClusterFacts(question=Question(), conversations=[Conversation(answer=answer)])


@pytest.mark.parametrize(
    ("kernel", "stat", "status"),
    [
        ("6.12.1", {"kernel": 0}, "ok"),
        # A distribution's kernel may have the field though its number is lower: what was read decides.
        ("5.14.0-503.el9", {"kernel": 0}, "ok"),
        ("5.10.0-23-amd64", {"anon": 0}, "warn"),
        ("5.10.0-23-amd64", None, "warn"),
        ("4.4.0", None, "warn"),
        (None, None, "ok"),
        ("custom", None, "ok"),
    ],
)
def test_what_was_read_decides_before_the_version_does(
    kernel: str | None, stat: dict[str, int] | None, status: str
) -> None:
    assert itemised(facts(kernel, stat)).status == status


def test_a_kernel_without_smaps_rollup_is_told_so() -> None:
    assert "has no smaps_rollup" in itemised(facts("4.4.0")).sentence


def test_the_release_is_read_from_its_beginning() -> None:
    assert (release("6.12.1+deb13"), release("custom"), release(None)) == ((6, 12), None, None)
