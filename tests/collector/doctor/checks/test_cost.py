from memcollect.doctor.checks.cost import small
from memcollect.doctor.facts import ClusterFacts, Conversation, Question
from memcollect.sources.agents import Answer, Target
from memcollect_agent.wire import Cost, History, Node, NodeSample


def facts(
    cpu_seconds: float | None, max_rss_bytes: int | None = 30 << 20, cost: Cost | None = None
) -> ClusterFacts:
    tick = None if cpu_seconds is None else Cost(wall_seconds=0.01, cpu_seconds=cpu_seconds)
    sample = NodeSample(
        sampled_at=1.0,
        finished_at=1.0,
        node=Node(name="n"),
        cost=cost or Cost(wall_seconds=0.1, cpu_seconds=0.1, max_rss_bytes=max_rss_bytes),
        history=History(interval_seconds=2.0, depth=61, cost=tick),
    )
    answer = Answer(target=Target(node="n", agent=None), sample=sample)
    return ClusterFacts(question=Question(), conversations=[Conversation(answer=answer)])


def test_the_cost_is_told_as_a_share_of_a_cpu_and_memory() -> None:
    assert small(facts(0.01)).sentence == "At most 0.50% of a CPU and 30 MiB of memory on a node."


def test_memory_that_is_not_reported_is_left_out_not_nought() -> None:
    assert small(facts(0.01, None)).sentence == "At most 0.50% of a CPU on a node."


def test_a_history_that_takes_too_much_is_a_warning_with_the_option() -> None:
    finding = small(facts(0.2))
    assert (finding.status, "--history-interval" in finding.remedy) == ("warn", True)
    assert finding.sentence.endswith("up to 10.00% of a CPU and 30 MiB of memory.")


def test_no_report_is_no_claim() -> None:
    assert small(facts(None)).status == "skipped"


def test_each_node_is_told_with_all_that_its_agent_holds() -> None:
    cost = Cost(
        wall_seconds=0.1, cpu_seconds=0.1, max_rss_bytes=3000, rss_bytes=2000, descriptors=12, threads=4
    )
    (item,) = small(facts(0.01, cost=cost)).items
    assert item.detail == "0.500% of a CPU, 2000 bytes of memory now, at most 3000, 12 open files, 4 threads"
