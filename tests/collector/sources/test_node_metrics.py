from memcollect.documents.snapshot import Missing
from memcollect.sources.api import Api
from memcollect.sources.node_metrics import FEW, node_usage
from memcollect.testing import NODE_METRICS, Cluster, Fault, objects
from worlds.agent_trees import FIXTURES

TIME = "2026-11-22T19:53:11Z"
RECORDED = FIXTURES / "systemd-kernel-7.2/api"
LIST = "/apis/metrics.k8s.io/v1beta1/nodes"


def test_the_recorded_number_is_what_kubectl_top_printed(
    api: Api, state: Cluster, told: list[Missing]
) -> None:
    state.fault(Fault(LIST, body=(RECORDED / "nodemetrics.json").read_bytes()))
    names = ["uml-node-1", *(f"n{number}" for number in range(FEW))]

    answer = node_usage(api, names, told.append)

    usage = answer.nodes["uml-node-1"]
    assert (usage.timestamp, usage.memory_bytes) == (1795377191.0, 419128 << 10)
    printed = (RECORDED / "top-nodes.txt").read_text().splitlines()[1].split()
    assert printed[3] == f"{(usage.memory_bytes or 0) >> 20}Mi"


def test_a_few_are_asked_for_by_name_and_one_without_numbers_is_left_out(
    api: Api, state: Cluster, told: list[Missing]
) -> None:
    state.put(NODE_METRICS, objects.node_metrics("n1", TIME, 5 << 20))

    answer = node_usage(api, ["n1", "n2"], told.append)

    assert {name: usage.memory_bytes for name, usage in answer.nodes.items()} == {"n1": 5 << 20}
    assert (answer.gap, told) == (None, [])


def test_without_the_right_the_answer_says_so(api: Api, state: Cluster, told: list[Missing]) -> None:
    state.access.deny("get", "nodes", group="metrics.k8s.io")

    gap = node_usage(api, ["n1"], told.append).gap

    assert gap is not None
    assert (gap.kind, gap.name, gap.reason) == ("metrics", "nodes", "denied")
    assert "nodes.metrics.k8s.io" in gap.detail


def test_without_a_metrics_api_the_answer_says_so(api: Api, state: Cluster, told: list[Missing]) -> None:
    state.metrics = False

    gap = node_usage(api, ["n1"], told.append).gap

    assert gap is not None
    assert gap.reason == "no-metrics-api"
