import logging

import pytest

from memcollect_agent.errors import UnsupportedError
from memcollect_agent.measure.sample import sample_node
from memcollect_agent.metrics.pss import ContainerSums, PssPasses, summed
from memcollect_agent.wire import (
    Cgroup,
    Container,
    Node,
    NodeSample,
    Pod,
    Problem,
    ProcessSums,
    SampleRequest,
    SkippedProcess,
)
from worlds.agent_trees import recorded
from worlds.waiting import wait_until


def sample(*containers: Container, problems: list[Problem] | None = None) -> NodeSample:
    pod = Pod(uid="u", cgroup=Cgroup(path="/p"), containers=list(containers))
    return NodeSample(sampled_at=1, finished_at=2, node=Node(name="n"), pods=[pod], problems=problems or [])


def container(inode: int, sums: ProcessSums) -> Container:
    return Container(cgroup=Cgroup(path=f"/p/{inode}", inode=inode), sums=sums)


def test_the_sums_are_those_of_a_sample() -> None:
    taken = sample_node(SampleRequest(), recorded("systemd-kernel-7.2"))
    containers = [one for pod in taken.pods for one in pod.containers]
    expected = {
        one.cgroup.inode: ContainerSums(rss=one.sums.rss_bytes, pss=one.sums.pss_bytes, unread=0)
        for one in containers
    }
    assert summed(taken).containers == expected
    assert sum(sums.pss or 0 for sums in expected.values()) > 0


def test_a_sum_over_a_part_of_the_processes_is_no_sum() -> None:
    skipped = [SkippedProcess(pid=9, reason="denied")]
    part = ProcessSums(listed=2, read=1, rss_bytes=5, pss_bytes=5, skipped=skipped, skipped_unlisted=1)
    assert summed(sample(container(1, part))).containers == {1: ContainerSums(rss=None, pss=None, unread=2)}


def test_processes_that_could_not_be_listed_leave_no_sum_either() -> None:
    whole = ProcessSums(listed=1, read=1, rss_bytes=5, pss_bytes=5)
    below = Problem(kind="container", name="/p/1/inner", reason="denied", detail="")
    containers = summed(sample(container(1, whole), container(11, whole), problems=[below])).containers
    assert (containers[1].pss, containers[11].pss) == (None, 5)


def test_a_container_without_processes_has_no_sum() -> None:
    assert summed(sample(container(1, ProcessSums()))).containers[1].pss is None


def test_passes_repeat_and_spend_at_most_half_of_the_time() -> None:
    requests: list[SampleRequest] = []

    def sampling(request: SampleRequest) -> NodeSample:
        requests.append(request)
        return sample(container(1, ProcessSums(listed=1, read=1, rss_bytes=6, pss_bytes=5)))

    with PssPasses(sampling, 0.02) as passes:
        wait_until(lambda: len(requests) >= 3)
        assert passes.latest is not None
        assert passes.latest.containers[1].pss == 5
    assert requests[0].time_budget_seconds == 0.02 / 4
    assert PssPasses(sampling, 3600)._request.time_budget_seconds == 30


def test_a_pass_that_fails_leaves_no_numbers_of_before_and_says_why_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers: list[NodeSample | Exception] = [
        sample(),
        UnsupportedError("the tree\x1b is gone"),
        UnsupportedError("the tree\x1b is gone"),
    ]

    def sampling(_: SampleRequest) -> NodeSample:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    passes = PssPasses(sampling, 60)
    passes.measure()
    first = passes.latest
    assert first is not None
    with caplog.at_level(logging.WARNING):
        passes.measure()
        passes.measure()
    assert passes.latest is None
    assert caplog.messages == [r"no PSS for the metrics: the tree\x1b is gone"]
