"""A node rebooted between two looks: nothing is compared across it, and each page says that it was."""

import shutil
from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect_agent.measure.sample import Roots
from worlds.agent_trees import FIXTURES
from worlds.live_cluster import NODE_6, NODE_7, RECORDED, LiveCluster, agent_serving
from worlds.local_tree import make_machine
from worlds.profile_stage import POD, SMALL_PLAN, Stage, staged

FIRST, SECOND = (f"{digit * 8}-2222-4333-8444-555555555555" for digit in "12")


def boot(proc: Path, boot_id: str) -> None:
    """Let the machine have been booted anew: another id, and another time since when it runs."""
    folder = proc / "sys/kernel/random"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "boot_id").write_text(f"{boot_id}\n")


def test_two_snapshots_around_a_reboot_are_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = make_machine(tmp_path / "machine")
    names = []
    for boot_id in (FIRST, SECOND):
        boot(tmp_path / "machine/proc", boot_id)
        names.append(str(tmp_path / f"{boot_id}.json"))
        assert run([*options, "--format", "json", "-o", names[-1]], "memcollect") == 0
    capsys.readouterr()
    assert run(["compare", *names], "memcollect") == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "rebooted in between." in out
    assert run(["compare", names[1], names[1]], "memcollect") in {0, 2}
    assert "rebooted" not in capsys.readouterr().out


@pytest.mark.parametrize("rebooted", [True, False])
def test_a_run_in_which_a_node_is_rebooted_compares_nothing_across_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, rebooted: bool
) -> None:
    plan = SMALL_PLAN + '[[phases]]\nname = "then"\ndo = "exec"\ncommand = ["true"]\n'
    with staged(tmp_path) as (stage, options):
        boot(stage.machine.base / "proc", FIRST)
        (tmp_path / "pod.yaml").write_text(POD)
        (tmp_path / "plan.toml").write_text(plan)
        if rebooted:
            _reboot_at_exec(stage)
        words = ["profile", str(tmp_path / "plan.toml"), "-o", str(tmp_path / "run"), *options]
        assert (run(words, "memcollect"), stage.pods()) == (0, [])
    capsys.readouterr()
    assert run(["compare", str(tmp_path / "run")], "memcollect") == (3 if rebooted else 0)
    out = " ".join(capsys.readouterr().out.split())
    assert ("node-1 was rebooted during the run" in out) is rebooted


def _reboot_at_exec(stage: Stage) -> None:
    first = stage.state.on_exec
    assert first is not None

    def rebooting(*asked: object) -> object:
        boot(stage.machine.base / "proc", SECOND)
        return first(*asked)  # type: ignore[arg-type] # as they came

    stage.state.on_exec = rebooting  # type: ignore[assignment] # it returns what the other does


def test_a_reboot_whose_agent_was_started_anew_is_told_and_only_that_nodes(
    live: LiveCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    condition, _ = RECORDED[NODE_6]
    copy = tmp_path / "machine"
    shutil.copytree(FIXTURES / condition, copy, symlinks=True)
    roots = Roots(proc=str(copy / "proc"), cgroup=str(copy / "sys/fs/cgroup"), sys=str(copy / "sys"))
    names = []
    for boot_id in (FIRST, SECOND):
        boot(copy / "proc", boot_id)
        names.append(str(tmp_path / f"{boot_id}.json"))
        with agent_serving(roots) as port:
            live.reach(NODE_6, port)
            words = ["-n", "deer-flow", "-n", "team-b", "--format", "json", "-o", names[-1]]
            assert run(["snapshot", *live.options(), *words], "memcollect") == 0
    capsys.readouterr()
    assert run(["compare", *names], "memcollect") == 0
    out, err = capsys.readouterr()
    told = " ".join(out.split())
    assert f"{NODE_6} was rebooted in between." in told
    assert f"{NODE_7} was rebooted" not in told
    assert "Traceback" not in err
