"""A clock that is set, forward or back, beside whole commands: ages stay true, and no number is lost."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from memcollect.commands.run import run
from memcollect.documents.bundle import read_bundle
from memcollect.documents.files import read_snapshot
from memcollect.documents.snapshot import Pod
from memcollect_agent.wire import History
from worlds.agent_trees import recorded
from worlds.between import between
from worlds.live_cluster import LONG_HISTORY, NODE_7, RECORDED, LiveCluster, agent_child, remembering
from worlds.profile_stage import POD, SMALL_PLAN, staged
from worlds.served_agents import ask
from worlds.stepped import SetClock
from worlds.waiting import wait_until

SET_SECONDS = 30 * 3600.0
"""Far beyond all that a busy machine may take for a command."""
TRUE_SECONDS = 3600.0
"""More than any age that is true here, and far less than one that is not."""
WAYS = pytest.mark.parametrize("by", [SET_SECONDS, -SET_SECONDS], ids=["forward", "back"])


class Node:
    """The one node of a live cluster, with an agent whose clock can be set."""

    def __init__(self, live: LiveCluster, clock: SetClock, port: int) -> None:
        self.live = live
        self.clock = clock
        self.port = port

    def set(self, by: float) -> None:
        """Set the clock, and wait until the agent has seen that."""
        seen = len(self._jumps())
        self.clock.set(by)
        wait_until(lambda: len(self._jumps()) > seen)

    def _jumps(self) -> list[object]:
        answer = ask(self.port, "/v1/history", Accept="application/json")
        return list(msgspec.json.decode(answer.body, type=History).clock_jumps)

    def snapshot(self, path: Path) -> list[Pod]:
        words = ["-n", "deer-flow", "--format", "json", "-o", str(path), "--force"]
        assert run(["snapshot", *self.live.options(), *words], "memcollect") == 0
        pods = read_snapshot(str(path)).pods
        assert len(pods) == 3
        return pods


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    clock = SetClock(tmp_path / "clock")
    program = clock.program("memcollect_agent")
    with agent_child(recorded(RECORDED[NODE_7][0]), *LONG_HISTORY, program=program) as (_, port):
        remembering(port)
        with LiveCluster(tmp_path) as live:
            live.add_node(NODE_7, port)
            yield Node(live, clock, port)


@WAYS
def test_numbers_from_before_are_met_and_have_their_true_age(
    by: float, node: Node, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    node.set(by)
    for pod in node.snapshot(tmp_path / "s.json"):
        assert pod.top is not None
        assert pod.top.status == "reconciled"
        assert pod.top.working_set_at_sample_bytes is not None
        assert pod.top.timestamp is not None
        assert pod.cgroup is not None
        assert pod.cgroup.current_read_at is not None
        assert -5 <= pod.cgroup.current_read_at - pod.top.timestamp < TRUE_SECONDS
    capsys.readouterr()
    run(["top", "--once", *node.live.options(), "-n", "deer-flow"], "memcollect")
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("sandbox-")]
    assert len(rows) == 3
    assert not any(re.search(r"\s\d+[hd]\s", row) for row in rows)
    run(["doctor", *node.live.options(), "-n", "deer-flow"], "memcollect")
    told = " ".join(capsys.readouterr().out.split())
    assert f"{NODE_7}'s was set {'ahead' if by > 0 else 'back'} by 30.0 h" in told
    assert re.search(r"metrics age The numbers are (from )?[\d.]+ (ms|s|min)", told)


def test_a_clock_that_is_set_while_a_snapshot_is_answered_costs_no_pod(node: Node, tmp_path: Path) -> None:
    for by in (SET_SECONDS, -SET_SECONDS):
        with between(node.port, 1, lambda by=by: node.set(by)) as leading:  # type: ignore[misc] # one float
            node.live.reach(NODE_7, leading)
            pods = node.snapshot(tmp_path / "s.json")
        assert [pod.top.status for pod in pods if pod.top] == ["reconciled"] * 3


@WAYS
def test_another_clock_of_the_collector_changes_no_number(
    by: float, live: LiveCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + by)
    words = ["-n", "deer-flow", "--format", "json", "-o", str(tmp_path / "s.json")]
    assert run(["snapshot", *live.options(), *words], "memcollect") == 0
    for pod in read_snapshot(str(tmp_path / "s.json")).pods:
        assert pod.top is not None
        assert pod.top.status == "reconciled"


@WAYS
def test_a_start_in_which_the_collectors_clock_is_set_is_not_longer_for_it(
    by: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    with staged(tmp_path) as (stage, options):
        (tmp_path / "pod.yaml").write_text(POD)
        (tmp_path / "plan.toml").write_text(SMALL_PLAN)
        made = stage.state.on_pod_created
        assert made is not None

        def setting(pod: dict[str, object]) -> None:
            monkeypatch.setattr(time, "time", lambda: real() + by)
            made(pod)

        stage.state.on_pod_created = setting
        words = ["profile", str(tmp_path / "plan.toml"), "-o", str(tmp_path / "run"), *options]
        assert (run(words, "memcollect"), stage.pods()) == (0, [])
    (phase,) = read_bundle(str(tmp_path / "run")).manifest.phases
    (started,) = phase.startups
    assert started.requested_at is not None
    assert started.seen_ready_at is not None
    assert 0 <= started.seen_ready_at - started.requested_at < TRUE_SECONDS
