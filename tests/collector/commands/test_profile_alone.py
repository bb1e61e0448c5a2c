"""`memcollect profile --resume` and `--clean` beside a process that is at work in the same bundle."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect.commands import profile_page
from memcollect.commands.run import run
from memcollect.documents.bundle import read_bundle
from memcollect.errors import UsageError
from memcollect.profile import going_on
from memcollect.profile.begun import Begun, alone
from memcollect.profile.tools import Tools
from worlds import children
from worlds.live_cluster import command_of, environment, memcollect
from worlds.profile_stage import POD, SLOW, SMALL_PLAN, Stage, staged
from worlds.waiting import wait_until


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[tuple[Stage, list[str]]]:
    with staged(tmp_path) as found:
        (tmp_path / "pod.yaml").write_text(POD)
        (tmp_path / "plan.toml").write_text(SMALL_PLAN)
        yield found


def is_held(directory: Path) -> bool:
    try:
        with alone(directory):
            return False
    except UsageError:
        return True


def arguments(tmp_path: Path) -> list[str]:
    return ["profile", str(tmp_path / "plan.toml"), "-o", str(tmp_path / "run")]


def test_a_run_at_work_is_neither_gone_on_with_nor_cleaned(
    stage: tuple[Stage, list[str]], tmp_path: Path
) -> None:
    (tmp_path / "plan.toml").write_text(SMALL_PLAN + SLOW)
    directory = tmp_path / "run"
    command = command_of([*arguments(tmp_path), *stage[1]])
    with children.Child(command, env=environment(), stderr=subprocess.DEVNULL) as process:
        events = directory / "events.jsonl"
        wait_until(lambda: events.exists() and '"slow"' in events.read_text())
        for way in ("--resume", "--clean"):
            refused = memcollect("profile", way, str(directory), *stage[1])
            assert refused.returncode == 2
            assert "Another memcollect is at work" in refused.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait() == 130
    assert [each.phase for each in read_bundle(str(directory)).manifest.phases] == ["empty", "slow"]


@pytest.mark.parametrize(("way", "name"), [("--resume", "resume"), ("--clean", "to_clean")])
def test_what_a_run_has_left_is_read_when_nobody_else_can_go_on_with_it(
    stage: tuple[Stage, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, name: str
) -> None:
    assert run([*arguments(tmp_path), *stage[1]], "memcollect") == 0
    read = getattr(going_on, name)
    seen: list[bool] = []

    def spied(directory: Path, tools: Tools) -> Begun:
        seen.append(is_held(directory))
        begun: Begun = read(directory, tools)
        return begun

    monkeypatch.setattr(going_on, name, spied)
    assert run(["profile", way, str(tmp_path / "run"), *stage[1]], "memcollect") == 0
    assert seen == [True]
    assert not is_held(tmp_path / "run")


def test_the_last_thing_that_is_written_is_written_before_another_may_go_on(
    stage: tuple[Stage, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page_of = profile_page.page_of
    seen: list[bool] = []

    def made(directory: Path) -> str:
        seen.append(is_held(directory))
        return page_of(directory)

    monkeypatch.setattr(profile_page, "page_of", made)
    assert run([*arguments(tmp_path), *stage[1]], "memcollect") == 0
    assert seen == [True]


@pytest.mark.parametrize("way", ["--resume", "--clean"])
@pytest.mark.parametrize("name", ["gone", "plan.toml", "n" * 300])
def test_what_is_no_directory_is_a_sentence(
    stage: tuple[Stage, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str], way: str, name: str
) -> None:
    assert run(["profile", way, str(tmp_path / name), *stage[1]], "memcollect") == 2
    assert "There is no directory" in capsys.readouterr().err
