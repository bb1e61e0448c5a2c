"""A kernel's file on one node whose read does not come back: a whole command names it, and tells the rest."""

from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.documents.files import read_snapshot
from memcollect.documents.snapshot import Snapshot
from worlds.agent_trees import recorded
from worlds.hanging_files import ByPipes
from worlds.live_cluster import NODE_6, RECORDED, LiveCluster, agent_child
from worlds.served_agents import ask
from worlds.waiting import wait_until


def snapshot(live: LiveCluster, path: Path, code: int) -> Snapshot:
    options = ["-n", "deer-flow", "-n", "team-b", "--format", "json", "-o", str(path), "--force"]
    assert run(["snapshot", *live.options(), *options], "memcollect") == code
    return read_snapshot(str(path))


def health(port: int) -> str:
    return ask(port, "/healthz", b"", "GET", Content_Type=None).text


@pytest.mark.parametrize("kind", ["pod", "container"])
def test_a_snapshot_names_what_hangs_and_measures_the_rest(
    kind: str, live: LiveCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    holding, roots = ByPipes(tmp_path / "pipes"), recorded(RECORDED[NODE_6][0])
    with agent_child(roots, program=holding.program) as (_, port):
        live.reach(NODE_6, port)
        whole = snapshot(live, tmp_path / "s.json", 0)
        pod = next(each for each in whole.pods if each.name == "sandbox-a" and each.node == NODE_6)
        app = next(each for each in pod.containers if each.role == "container")
        cgroup = pod.cgroup if kind == "pod" else app.cgroup
        assert cgroup is not None
        held = f"{roots.cgroup}{cgroup.path}/memory.stat"
        holding.hold(Path(held))
        wait_until(lambda: health(port).startswith(f"ok, but a read of {held[:200]} has not come back"))
        found = snapshot(live, tmp_path / "s.json", 3)
        (missing,) = found.missing
        named = pod.full_name if kind == "pod" else f"{pod.full_name}/{app.name}"
        assert (missing.kind, missing.name, missing.node) == (kind, named, NODE_6)
        assert missing.reason == "unreadable"
        assert missing.detail.startswith(f"{held}: a read of it has not come back for ")
        assert len([each for each in found.pods if each.cgroup is not None]) == len(whole.pods)
        holding.let_go()
        wait_until(lambda: health(port) == "ok\n")
        assert snapshot(live, tmp_path / "s.json", 0).missing == []
    assert "Traceback" not in capsys.readouterr().err
