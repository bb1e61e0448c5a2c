"""`kill -9` of a real agent in the middle of its answer, for whole commands; and of one that comes back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.documents.bundle import read_bundle
from memcollect.documents.files import read_snapshot
from memcollect.documents.snapshot import Snapshot
from worlds.agent_trees import recorded
from worlds.between import between
from worlds.live_cluster import NODE_6, NODE_7, RECORDED, LiveCluster, agent_child
from worlds.profile_stage import POD, SMALL_PLAN, staged

BEGUN_BYTES = 600
"""Of an answer of many kilobytes: its head, and the first of its numbers."""
BOTH = ["-n", "deer-flow", "-n", "team-b"]


@contextmanager
def dying(live: LiveCluster) -> Iterator[None]:
    """Lead to a real agent of node 6 that is killed once it has begun to answer."""
    with (
        agent_child(recorded(RECORDED[NODE_6][0])) as (process, port),
        between(port, BEGUN_BYTES, process.kill, cut=True) as leading,
    ):
        live.reach(NODE_6, leading)
        yield
        assert process.wait() == -9


def snapshot(live: LiveCluster, path: Path, code: int) -> Snapshot:
    words = ["--format", "json", "-o", str(path), "--force"]
    assert run(["snapshot", *live.options(), *BOTH, *words], "memcollect") == code
    return read_snapshot(str(path))


def test_a_snapshot_names_its_pods_and_the_one_started_anew_is_measured(
    live: LiveCluster, agents: dict[str, int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with dying(live):
        found = snapshot(live, tmp_path / "s.json", 3)
    assert "Traceback" not in capsys.readouterr().err
    assert {pod.node for pod in found.pods if pod.cgroup is not None} == {NODE_7}
    assert sorted(each.name for each in found.missing) == [f"team-b/sandbox-{each}" for each in "abc"]
    assert {each.reason for each in found.missing} <= {"broken-answer", "agent-unreachable"}
    assert all(each.detail for each in found.missing)
    live.reach(NODE_6, agents[NODE_6])
    assert len([pod for pod in snapshot(live, tmp_path / "s.json", 0).pods if pod.cgroup is not None]) == 6


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["top", "--once", *BOTH], "team-b/sandbox-a"),
        (["node", NODE_6], f"node {NODE_6}"),
        (["doctor", *BOTH], NODE_6),
    ],
    ids=["top", "node", "doctor"],
)
def test_other_commands_name_it_too(
    words: list[str], told: str, live: LiveCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    with dying(live):
        assert run([*words, *live.options()], "memcollect") in {1, 3}
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    assert "should not happen" not in err
    assert told in out
    if words[0] == "top":
        assert "136Mi" in out  # node 7's


def test_a_phase_whose_agent_dies_is_told_and_its_sandboxes_are_deleted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = SMALL_PLAN + '[[phases]]\nname = "then"\ndo = "exec"\ncommand = ["true"]\n'
    with staged(tmp_path) as (stage, options):
        (tmp_path / "pod.yaml").write_text(POD)
        (tmp_path / "plan.toml").write_text(plan)
        first = stage.state.on_exec

        def killing(*asked: object) -> Sequence[str]:
            stage.agent.kill()
            assert first is not None
            return first(*asked)  # type: ignore[arg-type] # as they came

        stage.state.on_exec = killing
        words = ["profile", str(tmp_path / "plan.toml"), "-o", str(tmp_path / "run"), *options]
        assert run(words, "memcollect") == 3
        assert stage.pods() == []
    phases = {each.phase: each for each in read_bundle(str(tmp_path / "run")).manifest.phases}
    assert phases["empty"].status == "ok"
    assert phases["then"].status != "ok" or phases["then"].missing
    assert "Traceback" not in capsys.readouterr().err
