"""What `memcollect profile` leaves, once people have edited it, moved it, or taken files away."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from memcollect.commands.run import run
from memcollect.documents.bundle import read_bundle
from memcollect.testing import PODS
from worlds import children
from worlds.live_cluster import command_of, environment, memcollect
from worlds.profile_stage import NAMESPACE, POD, SLOW, SMALL_PLAN, Stage, staged
from worlds.waiting import wait_until

STOPPING = '[[phases]]\nname = "stop"\ndo = "exec"\ncommand = ["stop"]\n'
HIDDEN = "sk-very-secret"
ENV = f"    env:\n    - name: OPENAI_API_KEY\n      value: {HIDDEN}\n"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[tuple[Stage, list[str]]]:
    with staged(tmp_path) as found:
        (tmp_path / "pod.yaml").write_text(POD)
        (tmp_path / "plan.toml").write_text(SMALL_PLAN)
        yield found


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where the bundle is."""
    return tmp_path / "runs" / "aio"


@pytest.fixture
def whole(stage: tuple[Stage, list[str]], tmp_path: Path, directory: Path) -> Path:
    """The bundle of a run that is whole."""
    code = run(["profile", str(tmp_path / "plan.toml"), "-o", str(directory), *stage[1]], "memcollect")
    assert code == 0
    return directory


@pytest.fixture
def crashed(stage: tuple[Stage, list[str]], tmp_path: Path, directory: Path) -> Path:
    """The bundle of a run that has measured one phase and left its sandbox."""
    (tmp_path / "plan.toml").write_text(SMALL_PLAN + SLOW)
    command = command_of(["profile", str(tmp_path / "plan.toml"), "-o", str(directory), *stage[1]])
    with children.Child(command, env=environment(), stderr=subprocess.DEVNULL) as process:
        events = directory / "events.jsonl"
        wait_until(lambda: events.exists() and '"slow"' in events.read_text())
        process.kill()
    assert len(stage[0].pods()) == 1
    return directory


def printed(*arguments: str, cwd: Path | None = None) -> str:
    done = memcollect("compare", *arguments, "--format", "markdown", encoding="utf-8", cwd=cwd)
    assert done.stdout, done.stderr
    return str(done.stdout)


def test_the_page_is_what_compare_prints(whole: Path) -> None:
    page = (whole / "report.md").read_bytes().decode()
    assert "empty" in page
    assert page == printed(str(whole))
    # However the directory is named: where one stands, or from beside it.
    assert page == printed(".", cwd=whole)
    assert page == printed("../aio/", cwd=whole)


def test_the_page_may_be_edited_and_the_run_is_still_as_it_was(whole: Path) -> None:
    (whole / "report.md").write_text("# pasted and edited\n")
    assert read_bundle(str(whole)).problems == []
    (whole / "report.md").unlink()
    assert read_bundle(str(whole)).problems == []


def test_cleaning_up_where_nothing_is_left_changes_nothing(
    stage: tuple[Stage, list[str]], whole: Path
) -> None:
    before = {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()}
    assert run(["profile", "--clean", str(whole), *stage[1]], "memcollect") == 0
    assert {path: path.read_bytes() for path in whole.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("edited", [False, True])
def test_a_page_that_nobody_has_edited_stays_true_when_a_pod_is_deleted_later(
    stage: tuple[Stage, list[str]], whole: Path, *, edited: bool
) -> None:
    run_id = read_bundle(str(whole)).manifest.run_id
    stage[0].add_pod(f"mc-{run_id}-abcd-1", {"memcollect/run": run_id})
    if edited:
        (whole / "report.md").write_text("mine")
    assert run(["profile", "--clean", str(whole), *stage[1]], "memcollect") == 0
    assert stage[0].pods() == []
    assert (whole / "report.md").read_text() == ("mine" if edited else printed(str(whole)))
    assert read_bundle(str(whole)).problems == []


@pytest.mark.parametrize("removed", [False, True])
def test_what_was_measured_may_be_altered_and_the_sandboxes_are_deleted_all_the_same(
    stage: tuple[Stage, list[str]], crashed: Path, *, removed: bool
) -> None:
    (snapshot,) = (crashed / "snapshots").iterdir()
    if removed:
        snapshot.unlink()
    else:
        snapshot.write_text(snapshot.read_text() + "\n")
    resumed = memcollect("profile", "--resume", str(crashed), *stage[1])
    assert resumed.returncode == 1
    assert f"memcollect profile --clean {crashed}" in resumed.stderr
    cleaned = memcollect("profile", "--clean", str(crashed), *stage[1])
    assert (cleaned.returncode, stage[0].pods()) == (0, []), cleaned.stderr
    told = f"snapshots/{snapshot.name} {'is missing' if removed else 'was altered'}"
    assert told in cleaned.stderr


def test_a_page_may_be_edited_before_the_run_goes_on(stage: tuple[Stage, list[str]], crashed: Path) -> None:
    stage[0].programs["sleep"] = "true"
    (crashed / "report.md").write_text("mine")
    resumed = memcollect("profile", "--resume", str(crashed), *stage[1])
    assert resumed.returncode == 0, resumed.stderr
    assert (crashed / "report.md").read_text() == printed(str(crashed))


def secrets_in(directory: Path) -> list[str]:
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert files
    return [path.name for path in files if HIDDEN.encode() in path.read_bytes()]


@pytest.mark.parametrize("way", ["file", "clone"])
def test_no_bundle_holds_what_is_in_the_environment_and_a_run_goes_on_with_it_all_the_same(
    stage: tuple[Stage, list[str]], tmp_path: Path, directory: Path, way: str
) -> None:
    (tmp_path / "pod.yaml").write_text(POD + ENV)
    plan = SMALL_PLAN + STOPPING
    if way == "clone":
        stage[0].add_pod("one")
        pod = stage[0].state.store.get(PODS, NAMESPACE, "one").decoded()
        pod["spec"]["containers"][0]["env"] = [{"name": "OPENAI_API_KEY", "value": HIDDEN}]
        pod["metadata"]["annotations"] = {"team/key": HIDDEN}
        stage[0].state.put(PODS, pod)
        plan = plan.replace('file = "pod.yaml"', 'clone = "one"')
    (tmp_path / "plan.toml").write_text(plan)
    made: list[str] = []
    become_ready = stage[0].state.on_pod_created

    def created(pod: dict[str, Any]) -> None:
        made.append(pod["spec"]["containers"][0]["env"][0]["value"])
        become_ready(pod)

    stage[0].state.on_pod_created = created
    stage[0].programs["stop"] = str(stop := tmp_path / "stop")
    stop.write_text(f"#!/bin/sh\nkill -INT {os.getpid()}\nsleep 60\n")
    stop.chmod(0o755)
    assert run(["profile", str(tmp_path / "plan.toml"), "-o", str(directory), *stage[1]], "memcollect") == 130
    assert secrets_in(directory) == []
    stop.write_text("#!/bin/sh\n")
    assert run(["profile", "--resume", str(directory), *stage[1]], "memcollect") == 0
    assert made == [HIDDEN, HIDDEN]
    assert secrets_in(directory) == []
    assert read_bundle(str(directory)).problems == []
