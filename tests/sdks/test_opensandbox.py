"""OpenSandbox's own package, by our driver's program, against the stand-in for its interface."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memcollect.evidence.port import OperationError, Owner
from memcollect.testing.sandboxes.opensandbox import HOME, OpenSandbox
from memcollect.testing.sandboxes.serving import Served
from memcollect.trying.drivers.program import Program, ProgramProvider
from sdks.conftest import Installed
from sdks.driven import RUN, broken, started, tried
from worlds.hostile_interface import hostile

OWNER = Owner(thread="thread-1", user="one")


@contextmanager
def asked(package: Path, api: str) -> Iterator[Program]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("OPEN_SANDBOX_API_KEY", "k3y")
        with started("opensandbox", package, {"api": api, "template": "python:3.13"}) as program:
            yield program


@pytest.fixture(scope="module")
def both(
    installed: Installed, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[OpenSandbox, Program]]:
    """A backend and the program that asks it, for all tests: to start it takes seconds."""
    backend = OpenSandbox(tmp_path_factory.mktemp("opensandbox"))
    with Served(backend) as there, asked(installed("opensandbox"), there.url) as program:
        yield backend, program
    assert backend.there == {}


def test_exits_and_bytes_come_back_as_they_are_and_planted_faults_show(
    both: tuple[OpenSandbox, Program],
) -> None:
    backend, program = both
    checks = {
        "Commands": ("stderr", "exit-7", "time-limit", "environment"),
        "Files": ("every-byte-in", "missing-file", "line-range", "append", "glob-deep"),
    }
    found, left = tried(program, checks)
    assert (broken(found), left, backend.there) == ({}, [], {})
    assert {each.verdict for each in found.values()} == {"as-expected"}
    backend.faults = frozenset({"lost-exit-codes", "mangled-bytes"})
    found, _ = tried(program, checks)
    backend.faults = frozenset()
    assert broken(found).keys() >= {"Commands/exit-7", "Files/every-byte-in"}


def test_a_sandbox_is_paused_resumed_and_killed(both: tuple[OpenSandbox, Program]) -> None:
    backend, program = both
    provider = ProgramProvider(program)
    box = provider.acquire("k", OWNER, 60)
    box.write(f"{HOME}/a.txt", "one\ntwo\n", append=False, seconds=60)
    provider.release("k", 60)
    assert [each.state for each in backend.there.values()] == ["Paused"]
    with pytest.raises(OperationError, match="there is no sandbox k"):
        box.run("true", {}, None, 60)
    assert provider.acquire("k", OWNER, 60).read(f"{HOME}/a.txt", None, None, 60).data == b"one\ntwo\n"
    provider.destroy("k", 60)
    assert backend.there == {}


def test_what_a_run_has_left_is_swept_and_nothing_else(both: tuple[OpenSandbox, Program]) -> None:
    backend, program = both
    provider = ProgramProvider(program)
    provider.acquire("mine", OWNER, 60)
    provider.acquire("other", OWNER, 60)
    mine, other = backend.there.values()
    other.metadata["memcollect-run"] = "mc-9876543210"
    assert program.ask("sweep", 60, run=RUN).paths == [mine.name]
    assert list(backend.there) == [other.name]
    provider.destroy("other", 60)


def test_without_room_nothing_is_tried_and_its_own_words_are_told(both: tuple[OpenSandbox, Program]) -> None:
    backend, program = both
    backend.capacity = 0
    found, left = tried(program, {"Commands": ("stdout",)})
    backend.capacity = 100
    assert [(each.verdict, "no room for another sandbox" in each.observed) for each in found.values()] == [
        ("not-tried", True)
    ]
    assert left == []


@pytest.mark.parametrize("way", ["half-of-json", "not-http", "drops-uploads", "hangs"])
def test_a_sandbox_that_misbehaves_from_the_first_is_an_error_in_time_and_swept(
    way: str, both: tuple[OpenSandbox, Program]
) -> None:
    backend, program = both
    provider = ProgramProvider(program)
    with hostile(way) as hostile_:
        backend.execd = hostile_.url.removeprefix("http://")
        try:
            with pytest.raises(OperationError) as raised:
                provider.acquire("k", OWNER, 5.0).run("true", {}, None, 5.0)
        finally:
            backend.execd = ""
    assert raised.value.kind in {"timeout", "transport", "garbage", "refused"}
    assert "Traceback" not in str(raised.value)
    assert str(raised.value).isprintable()
    program.ask("sweep", 60, run=RUN)
    assert backend.there == {}
    assert provider.acquire("j", OWNER, 60).run("echo good", {}, None, 60).stdout.rstrip() == b"good"
    provider.destroy("j", 60)
