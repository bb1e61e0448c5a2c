"""E2B's own package, in two versions, by our driver's program, against the stand-in for its interface."""

import json
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.evidence.port import NotOfferedError, OperationError, Owner
from memcollect.testing.sandboxes.e2b import HOME, E2b, Sandbox
from memcollect.testing.sandboxes.machine import Machine
from memcollect.testing.sandboxes.serving import Served
from memcollect.trying import limits
from memcollect.trying.drivers.program import Program, ProgramProvider
from sdks.conftest import Installed
from sdks.driven import RUN, broken, started, tried
from worlds.hostile_interface import hostile

OWNER = Owner(thread="thread-1", user="one")
VERSIONS = ("e2b-2.30", "e2b-2.63")


@contextmanager
def asked(package: Path, api: str, sandboxes: str) -> Iterator[Program]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("E2B_API_KEY", f"e2b_{'0' * 40}")
        environment.setenv("E2B_SANDBOX_URL", sandboxes)
        with started("e2b", package, {"api": api, "prefix": HOME}) as program:
            yield program


@pytest.fixture(scope="module", params=VERSIONS)
def both(
    request: pytest.FixtureRequest, installed: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[E2b, Program]]:
    """A backend and the program that asks it, for all tests of one version: to start it takes seconds."""
    backend = E2b(tmp_path_factory.mktemp("e2b"))
    with Served(backend) as there, asked(installed(request.param), there.url, there.url) as program:
        yield backend, program
    assert backend.there == {}


def test_exits_and_bytes_come_back_as_they_are_and_planted_faults_show(both: tuple[E2b, Program]) -> None:
    backend, program = both
    checks = {
        "Commands": ("stderr", "exit-7", "killed", "time-limit"),
        "Files": ("every-byte-in", "missing-file"),
    }
    found, left = tried(program, checks)
    assert (broken(found), left, backend.there) == ({}, [], {})
    assert {each.verdict for each in found.values()} == {"as-expected"}
    backend.faults = frozenset({"lost-exit-codes", "lost-stderr", "mangled-bytes"})
    found, _ = tried(program, checks)
    backend.faults = frozenset()
    assert broken(found).keys() >= {"Commands/exit-7", "Commands/stderr", "Files/every-byte-in"}


def test_a_sandbox_is_paused_resumed_and_killed(both: tuple[E2b, Program]) -> None:
    backend, program = both
    provider = ProgramProvider(program)
    box = provider.acquire("k", OWNER, 60)
    box.write(f"{HOME}/a.txt", "one\ntwo\n", append=False, seconds=60)
    provider.release("k", 60)
    assert [each.state for each in backend.there.values()] == ["paused"]
    with pytest.raises(OperationError, match="there is no sandbox k"):
        box.run("true", {}, None, 60)
    again = provider.acquire("k", OWNER, 60)
    # Lines are not E2B's: a command reads them.
    assert again.read(f"{HOME}/a.txt", 2, 2, 60).data == b"two\n"
    provider.destroy("k", 60)
    assert backend.there == {}
    with pytest.raises(NotOfferedError):
        program.ask("glob", 60)


def test_what_a_run_has_left_is_swept_and_nothing_else(both: tuple[E2b, Program]) -> None:
    backend, program = both
    provider = ProgramProvider(program)
    provider.acquire("mine", OWNER, 60)
    provider.acquire("other", OWNER, 60)
    mine, other = backend.there.values()
    other.metadata["memcollect-run"] = "mc-9876543210"
    assert program.ask("sweep", 60, run=RUN).paths == [mine.name]
    assert list(backend.there) == [other.name]
    provider.destroy("other", 60)


def test_without_room_nothing_is_tried_and_its_own_words_are_told(both: tuple[E2b, Program]) -> None:
    backend, program = both
    backend.capacity = 0
    found, left = tried(program, {"Commands": ("stdout", "exit-7")})
    backend.capacity = 100
    assert {each.verdict for each in found.values()} == {"not-tried"}
    assert all("no room for another sandbox" in each.observed for each in found.values())
    assert left == []


def test_the_command_tries_it_without_a_cluster_and_cleans_up_after_a_crash(
    installed: Installed, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = E2b(tmp_path / "e2b")
    monkeypatch.setenv("E2B_API_KEY", f"e2b_{'0' * 40}")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with Served(backend) as there:
        monkeypatch.setenv("E2B_SANDBOX_URL", there.url)
        python = ["env", f"PYTHONPATH={installed(VERSIONS[-1])}", sys.executable]
        (tmp_path / "mine.toml").write_text(
            f"""[source]\nkind = "e2b"\n"""
            f"""[evidence]\napi = "{there.url}"\ncommand = {json.dumps(python)}\n"""
        )
        out = str(tmp_path / "out")
        words = ["evidence", str(tmp_path / "mine.toml"), "--rows", "paths", "-o", out]
        assert run(words, "memcollect") in {0, 3}, capsys.readouterr().err
        assert "driver e2b" in capsys.readouterr().out
        assert backend.there == {}
        name = f"mc-{json.loads((tmp_path / 'out' / 'manifest.json').read_bytes())['run_id']}"
        sandbox = Machine(tmp_path / "e2b" / "left", (HOME,))
        backend.there["left"] = Sandbox("left", sandbox, {"memcollect-run": name}, "base")
        assert run(["evidence", "--clean", out], "memcollect") == 0, capsys.readouterr().err
        assert backend.there == {}
        assert b"e2b_000" not in b"".join(p.read_bytes() for p in (tmp_path / "out").rglob("*.*"))


def test_whole_rows_are_as_expected_where_the_backend_is_good(installed: Installed, tmp_path: Path) -> None:
    backend = E2b(tmp_path)
    with Served(backend) as there, asked(installed(VERSIONS[-1]), there.url, there.url) as program:
        found, left = tried(program, {"Commands": (), "Files": ()})
    assert (broken(found), left) == ({}, [])
    shutil.rmtree(tmp_path)


@pytest.mark.parametrize("way", ["html", "drops-uploads", "hangs"])
def test_sandboxes_that_misbehave_fail_and_what_was_seen_is_told(
    way: str, installed: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "GRACE_SECONDS", 1.0)
    backend = E2b(tmp_path)
    with (
        Served(backend) as there,
        hostile(way) as hostile_,
        asked(installed(VERSIONS[-1]), there.url, hostile_.url) as program,
    ):
        found, _ = tried(program, {"Commands": ("stdout",), "Files": ("every-byte-in",)}, seconds=3.0)
    assert {each.verdict for each in found.values()} == {"fails"}
    assert all(each.observed and each.observed.isprintable() for each in found.values())
    assert all("Traceback" not in each.observed for each in found.values())
    assert backend.there == {}
