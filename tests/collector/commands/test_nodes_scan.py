"""`memcollect snapshot --nodes`: a cluster whose node holds sandboxes and no Pod, with a real agent on it."""

from pathlib import Path

from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.testing import NODES, PODS, objects
from worlds.agent_trees import recorded
from worlds.live_cluster import LiveCluster, agent_pod, agent_serving

NODE = "vm-host"


def test_sandboxes_without_a_pod_are_rows_of_the_document(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    with (
        LiveCluster(tmp_path) as live,
        agent_serving(recorded("lab-runtime-e2b-snapshot")) as port,
    ):
        live.state.put(NODES, objects.node(NODE))
        live.state.put(PODS, agent_pod(NODE))
        live.reach(NODE, port)
        options = ["snapshot", *live.options(), "--format", "json", "-o", str(path), "-n", "nowhere"]
        code = run([*options, "--nodes"], "memcollect")
    document = read_snapshot(str(path))
    assert [(pod.kind, pod.name, pod.node) for pod in document.pods] == [
        ("sandbox", "sbx-one", NODE),
        ("sandbox", "sbx-three", NODE),
        ("sandbox", "sbx-two", NODE),
    ]
    assert all("no Pod" in pod.verdict for pod in document.pods)
    assert document.summary.pods == 3
    assert [account.node for account in document.accounts] == [NODE]
    assert (code, document.missing) == (0, [])
