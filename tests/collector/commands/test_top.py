"""`memcollect top` as a command: what it prints where there is no screen, its options, its exit codes."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect.commands.run import run
from worlds import children
from worlds.live_cluster import command_of, environment, memcollect
from worlds.pod_tree import PodTree, container_id
from worlds.tcp_agents import hanging, listening
from worlds.top_stage import MIB, TopStage, top_stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[TopStage]:
    with top_stage(tmp_path) as made:
        yield made


def _run(stage: TopStage, *options: str) -> int:
    return run(stage.options(*options), "memcollect")


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")


def _row(text: str, name: str) -> list[str]:
    """Return the cells of the last row of that name."""
    return [line.split() for line in text.splitlines() if line.startswith(name)][-1]


def test_where_there_is_no_terminal_one_round_is_printed(
    stage: TopStage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.node().add_pod(1, 100 * MIB, top=90 * MIB)
    assert _run(stage) == 0
    out, err = capsys.readouterr()
    assert out.startswith("memcollect top  1 pod on 1 node, by working set, every 5 s, ")
    assert _row(out, "sandbox-1")[1] == "100Mi"
    assert {"90.0Mi", "1024Mi", "9%", "node-1"} <= set(_row(out, "sandbox-1"))
    assert "\x1b" not in out
    assert err == ""


def test_a_growing_pod_is_shown_with_its_growth(stage: TopStage) -> None:
    node = stage.node()
    node.add_pod(1, 100 * MIB)
    stage.remembered(node)
    command = command_of(stage.options("--rounds", "2", "--interval", "1"))
    with children.Child(command, env=environment(COLUMNS="140"), stdout=subprocess.PIPE) as process:
        first = _until(process, "1 pod ")
        node.charge(1, 140 * MIB)
        second, _ = process.communicate()
    assert process.returncode == 0
    assert " 0B/" in first
    assert "+40.0Mi/" in second


def _until(process: children.Child, start: str) -> str:
    lines: list[str] = []
    while not lines or not lines[-1].startswith(start):
        lines.append(process.line())
        assert process.poll() is None, "\n".join(lines)
    return "\n".join(lines)


def test_an_agent_that_hangs_costs_one_round_its_timeout_and_its_pods_say_why(
    stage: TopStage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.node("node-1").add_pod(1, 100 * MIB)
    stage.node("node-2").add_pod(2, 200 * MIB)
    with listening(hanging) as port:
        stage.live.reach("node-2", port)
        code = _run(stage, "--once", "--timeout", "1")
    out, err = capsys.readouterr()
    assert code == 3
    assert _row(out, "sandbox-1")[1] == "100Mi"
    assert _row(out, "sandbox-2")[1] == "?"
    assert "pod deer-flow/sandbox-2 on node-2 (timeout)" in out
    assert "1 asked for and not measured" in err


def test_the_order_and_the_number_of_rows_are_the_users(
    stage: TopStage, capsys: pytest.CaptureFixture[str]
) -> None:
    node = stage.node()
    for number, size in ((1, 100), (2, 300), (3, 200)):
        node.add_pod(number, size * MIB)
    assert _run(stage, "--limit", "1") == 0
    out = capsys.readouterr().out
    assert _row(out, "sandbox-")[:2] == ["sandbox-2", "300Mi"]
    assert _row(out, "and 2 more")[3] == "300Mi"
    assert _row(out, "3 pods")[2] == "600Mi"
    assert _run(stage, "--sort", "name") == 0
    out = capsys.readouterr().out
    names = [line.split()[0] for line in out.splitlines() if line.startswith("sandbox-")]
    assert names == ["sandbox-1", "sandbox-2", "sandbox-3"]


def test_a_pod_that_is_named_and_is_not_there_is_missing(
    stage: TopStage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.node().add_pod(1, 100 * MIB)
    assert _run(stage, "sandbox-1", "nowhere") == 3
    assert "pod nowhere (not-found)" in capsys.readouterr().out


def test_a_pod_without_metrics_is_a_row_with_a_reason_and_is_not_missing(
    stage: TopStage, capsys: pytest.CaptureFixture[str]
) -> None:
    node = stage.node()
    node.add_pod(1, 100 * MIB, top=90 * MIB)
    node.add_pod(2, 200 * MIB)
    assert _run(stage) == 0
    out = capsys.readouterr().out
    assert "kubectl top shows nothing of pod deer-flow/sandbox-2: " in out
    assert "≥90.0Mi" in out


def test_hostile_names_are_text(stage: TopStage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.node().add_pod(1, 100 * MIB, name="sandbox-\x1b[31mred\u202e")
    assert _run(stage) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_a_reader_that_goes_away_ends_it(stage: TopStage) -> None:
    stage.node().add_pod(1, 100 * MIB)
    command = command_of(stage.options("--rounds", "1000", "--interval", "1"))
    with children.Child(command, env=environment(), stdout=subprocess.PIPE) as process:
        assert process.line()
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait() == 0


def test_a_cluster_that_cannot_be_asked_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["top", "--kubeconfig", "/nonexistent"], "memcollect") == 1
    assert "memcollect: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ("--interval", "0.5"),
        ("--rounds", "0"),
        ("--limit", "0"),
        ("--sort", "colour"),
        ("--once", "--rounds", "2"),
        ("--local", "-n", "x"),
        ("--match", "x"),
        ("--local", "pod"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(options: tuple[str, ...]) -> None:
    assert run(["top", *options], "memcollect") == 2


def test_this_machine_is_watched_without_a_cluster(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree = PodTree(tmp_path)
    directory = tree.add_pod(1, 1, current=100 * MIB, anon=100 * MIB, inactive_anon=100 * MIB)
    roots = ["--cgroup-root", str(tree.cgroup), "--proc-root", str(tree.proc), "--sys-root", str(tree.sys)]
    assert run(["top", "--local", *roots, "--log-root", str(tmp_path / "none")], "memcollect") == 0
    out = capsys.readouterr().out
    assert "1 pod on 1 node" in out
    assert "100Mi" in out
    assert " TOP" not in out
    tree.remove(directory / container_id(1))
    assert run(["top", "--local", *roots], "memcollect") == 0


def test_it_is_in_the_programs_help() -> None:
    assert "top" in memcollect("--help").stdout
    done = memcollect("top", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--interval" in done.stdout
