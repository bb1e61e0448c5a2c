"""Ctrl-C at the moments that are hard to hit, and measurements in which nothing was measured."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memcollect.commands.run import run
from memcollect.documents.bundle import Bundle, read_bundle
from memcollect.profile.measuring import measurer as measuring
from memcollect.profile.measuring.snapshots import Taken, take
from memcollect.profile.sandboxes.provisioned import ProvisionedSource
from memcollect.testing import PODS, Rule
from worlds.live_cluster import memcollect
from worlds.profile_stage import NODE, POD, TEMPLATE, Stage, staged
from worlds.stand_in_provisioner import API_KEY, provisioning

HEAD = """
name = "small"
repeats = 1
poll = "50ms"
[settle]
over = "600ms"
at_most = "60s"
"""
PROVISIONER = """
[source]
kind = "provisioner"
ready_within = "60s"
headers = {{ X-API-Key = "STAGE_KEY" }}
create = {{ url = "{url}", body = '{{"sandbox_id": "{{id}}"}}' }}
delete = {{ method = "DELETE", url = "{url}/{{id}}" }}
release = {{ url = "{url}/{{id}}/release" }}
"""
MANY = '[[phases]]\nname = "many"\ndo = "scale"\nsteps = [2]\n'
WARM = '[[phases]]\nname = "warm"\ndo = "reuse"\ncycles = 2\nidle = "10ms"\n'


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[tuple[Stage, list[str]]]:
    with staged(tmp_path) as found:
        (tmp_path / "pod.yaml").write_text(POD)
        (tmp_path / "plan.toml").write_text(HEAD + TEMPLATE + MANY)
        yield found


def profiled(directory: Path, options: list[str]) -> tuple[int, Bundle]:
    arguments = ["profile", str(directory / "plan.toml"), "-o", str(directory / "run"), *options]
    return run(arguments, "memcollect"), read_bundle(str(directory / "run"))


def before_the_snapshot(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    def taken(*arguments: Any) -> Taken:
        happens()
        return take(*arguments)

    monkeypatch.setattr(measuring, "take", taken)


def ctrl_c() -> None:
    os.kill(os.getpid(), signal.SIGINT)


def test_a_snapshot_that_ctrl_c_cut_short_is_taken_again_by_resume(
    stage: tuple[Stage, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        before_the_snapshot(patched, ctrl_c)
        code, bundle = profiled(tmp_path, stage[1])
    (phase,) = bundle.manifest.phases
    assert (code, phase.status) == (130, "interrupted")
    assert "while its snapshot was taken" in phase.reason
    resumed = memcollect("profile", "--resume", str(tmp_path / "run"), *stage[1])
    (again,) = read_bundle(str(tmp_path / "run")).manifest.phases
    assert (resumed.returncode, again.status, again.missing) == (0, "ok", []), resumed.stderr


def test_a_snapshot_in_which_no_pod_was_measured_is_a_failure(
    stage: tuple[Stage, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = stage[0].state
    before_the_snapshot(monkeypatch, lambda: state.remove(PODS, f"agent-{NODE}", "memcollect"))
    code, bundle = profiled(tmp_path, stage[1])
    (phase,) = bundle.manifest.phases
    assert (code, phase.status) == (3, "failed")
    assert phase.reason.startswith("No pod was measured: ")
    assert phase.missing[0].detail in phase.reason


def test_a_snapshot_that_could_not_be_taken_is_a_failure(
    stage: tuple[Stage, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = stage[0].state.access

    def denied(*arguments: Any) -> Taken:
        access.deny("list", "pods")
        access.deny("get", "pods")
        try:
            return take(*arguments)
        finally:
            # The run looks afterwards whether its pods have gone.
            access.add(Rule(allowed=True))

    monkeypatch.setattr(measuring, "take", denied)
    _, bundle = profiled(tmp_path, stage[1])
    (phase,) = bundle.manifest.phases
    assert (phase.status, phase.snapshots) == ("failed", [])
    assert phase.reason.startswith("No pod was measured: ")


def test_ctrl_c_while_a_sandbox_is_taken_again_leaves_its_round_to_resume(
    stage: tuple[Stage, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE_KEY", API_KEY)
    with provisioning(stage[0]) as provisioner:
        (tmp_path / "plan.toml").write_text(HEAD + PROVISIONER.format(url=provisioner.url) + WARM)
        with monkeypatch.context() as patched:
            patched.setattr(ProvisionedSource, "reuse", lambda *_: ctrl_c())
            code, bundle = profiled(tmp_path, stage[1])
        assert (code, [each.status for each in bundle.manifest.phases]) == (130, ["interrupted"])
        assert run(["profile", "--resume", str(tmp_path / "run"), *stage[1]], "memcollect") == 0
    phases = read_bundle(str(tmp_path / "run")).manifest.phases
    assert [(each.cycle, each.status) for each in phases] == [(1, "ok"), (2, "ok")]
