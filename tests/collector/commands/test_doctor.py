from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from memcollect.commands.run import run
from memcollect.doctor.result import Report
from worlds.doctor_stage import Stage

CHECKS = [
    "kubeconfig",
    "api",
    "rights-pods",
    "rights-metrics",
    "rights-nodes",
    "rights-runtimeclasses",
    "rights-agents",
    "rights-forward",
    "pods",
    "metrics-api",
    "metrics-age",
    "agents",
    "agent-answers",
    "agent-versions",
    "cgroup-version",
    "cgroup-driver",
    "pod-cgroups",
    "kernel",
    "processes",
    "orphans",
    "clock",
    "history",
    "agent-cost",
]
"""Names that programs may rely on."""


@pytest.fixture
def healthy(tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as stack:
        stage = Stage(stack, tmp_path)
        stage.healthy_node("n1")
        stage.pod("sandbox-1", "n1")
        yield stage


def doctor(stage: Stage, *arguments: str) -> int:
    return run(["doctor", "--kubeconfig", stage.kubeconfig, "--timeout", "5", *arguments], "memcollect")


def test_a_healthy_cluster_exits_0_with_a_line_for_each_check_within_80_columns(
    healthy: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert doctor(healthy) == 0
    output = capsys.readouterr()
    rows = output.out.splitlines()
    assert max(map(len, rows)) <= 80
    assert rows[-1] == f"{len(CHECKS)} ok, 0 warn, 0 fail, 0 skipped."
    assert "\x1b" not in output.out
    assert output.err == ""


def test_a_warning_alone_exits_0(healthy: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    healthy.node("aside", spec={"unschedulable": True})
    assert doctor(healthy) == 0
    assert "1 warn, 0 fail" in capsys.readouterr().out


def test_a_failure_exits_1_and_all_broken_lines_fit(
    healthy: Stage, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    healthy.state.metrics = False
    healthy.state.access.deny(resource="nodes")
    healthy.node("n2")
    healthy.agent_pod("n2", None)
    assert doctor(healthy, "-A") == 1
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[1] for row in rows if row.startswith("fail")] == ["right:", "metrics", "agents"]
    assert [row for row in rows if len(row) > 80 and "kubeconfig" not in row] == []


def test_json_has_the_names_and_the_shape(healthy: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor(healthy, "--format", "json") == 0
    report = msgspec.json.decode(capsys.readouterr().out, type=Report)
    assert [result.check for result in report.results] == CHECKS
    assert (report.mode, report.status, report.summary.ok) == ("cluster", "ok", len(CHECKS))
    assert report.tool.startswith("memcollect ")
    agents = next(result for result in report.results if result.check == "agents")
    assert [(item.name, item.status) for item in agents.items] == [("n1", "ok")]


def test_the_report_is_written_whole_and_not_over_another(
    healthy: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "doctor.json"
    assert doctor(healthy, "--format", "json", "-o", str(path)) == 0
    assert msgspec.json.decode(path.read_bytes(), type=Report).status == "ok"
    assert capsys.readouterr().out == ""
    assert doctor(healthy, "-o", str(path)) == 2
    assert doctor(healthy, "-o", str(path), "--force") == 0


@pytest.mark.parametrize(
    "arguments",
    [["-A", "-n", "team"], ["-n", "No_Such"], ["--agent-namespace", "../x"], ["--format", "xml"], ["extra"]],
)
def test_wrong_usage_exits_2_with_a_sentence(
    stage_options: list[str], arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["doctor", *stage_options, *arguments], "memcollect") == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith("memcollect: ")


@pytest.fixture
def stage_options(tmp_path: Path) -> list[str]:
    return ["--kubeconfig", str(tmp_path / "none")]


def test_a_context_that_does_not_exist_is_a_failing_line(
    healthy: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor(healthy, "--context", "nowhere") == 1
    output = capsys.readouterr().out
    assert "has no context 'nowhere'" in " ".join(output.split())
    assert "22 checks" in output


def test_this_machine_is_looked_at_without_a_cluster(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "memory").mkdir()
    assert run(["doctor", "--local", "--cgroup-root", str(tmp_path), "--format", "json"], "memcollect") == 1
    report = msgspec.json.decode(capsys.readouterr().out, type=Report)
    assert report.mode == "local"
    assert [result.check for result in report.results] == [
        "cgroup-version",
        "memory-stat",
        "processes",
        "pressure",
        "swap",
    ]
