from memcollect.documents.snapshot import Missing
from memcollect.sources.api import Api
from memcollect.sources.nodes import FEW, list_nodes
from memcollect.testing import NODES, Cluster, objects


def fill(state: Cluster, count: int) -> None:
    for number in range(count):
        state.put(NODES, objects.node(f"node-{number}"))


def test_all_nodes_are_listed(api: Api, state: Cluster, told: list[Missing]) -> None:
    fill(state, 3)
    assert [n.metadata.name for n in list_nodes(api, None, told.append)] == ["node-0", "node-1", "node-2"]


def test_a_few_nodes_of_many_are_asked_for_alone(api: Api, state: Cluster, told: list[Missing]) -> None:
    fill(state, 50)
    (node,) = list_nodes(api, ["node-7"], told.append)
    assert node.status.capacity["memory"] == "16Gi"
    assert state.requests.paths() == ["/api/v1/nodes/node-7"]


def test_many_nodes_are_picked_out_of_the_list(api: Api, state: Cluster, told: list[Missing]) -> None:
    fill(state, 50)
    wanted = {f"node-{number}" for number in range(FEW + 1)}
    assert {n.metadata.name for n in list_nodes(api, wanted, told.append)} == wanted
    assert len(state.requests) == 1


def test_a_node_that_is_gone_is_reported(api: Api, told: list[Missing]) -> None:
    assert list(list_nodes(api, ["gone"], told.append)) == []
    assert [(m.kind, m.name, m.reason) for m in told] == [("node", "gone", "gone")]
