"""The driver `deerflow`: the real program and its protocol, in an environment with a provider of our own."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from memcollect.evidence.catalogue import rows_named
from memcollect.evidence.exits import Unknown
from memcollect.evidence.port import NotOfferedError, OperationError, Owner, Pattern
from memcollect.trying import cleaning, limits
from memcollect.trying import trial as trying
from memcollect.trying.boxes import Ledger
from memcollect.trying.drivers import program as programs
from memcollect.trying.drivers.program import Program, ProgramProvider
from memcollect.trying.performing import Performer
from memcollect.trying.settings import Settings
from memcollect.trying.trial import Trial
from worlds.children import lives
from worlds.planted_faults import LONG
from worlds.waiting import PATIENCE, wait_until

FAKE = Path(__file__).parents[2] / "worlds" / "fake_deerflow"
OWNER = Owner(thread="thread-1", user="one")


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(FAKE))
    monkeypatch.setenv("FAKE_DEERFLOW", str(tmp_path))
    return tmp_path


@pytest.fixture
def program(environment: Path) -> Iterator[Program]:
    program = Program([sys.executable], "deerflow")
    yield program
    program.close()
    assert (environment / "shut-down").exists()


def test_files_go_both_ways(program: Program) -> None:
    box = ProgramProvider(program).acquire("k", OWNER, 20)
    box.put("/mnt/user-data/workspace/b", bytes(range(256)), 20)
    assert box.get("/mnt/user-data/workspace/b", 20).data == bytes(range(256))
    box.write("/mnt/user-data/workspace/a.txt", "one\ntwo\n", append=False, seconds=20)
    assert box.read("/mnt/user-data/workspace/a.txt", 2, 2, 20).data == b"two\n"
    assert box.list("/mnt/user-data/workspace", 2, 20).paths[0] == "/mnt/user-data/workspace/a.txt"
    assert [each.number for each in box.grep("/mnt/user-data", Pattern(text="two"), 20).matches] == [2]


def test_what_ran_before_it_is_not_taken_and_stays(environment: Path) -> None:
    (environment / "running-others").mkdir()
    program = Program([sys.executable], "deerflow")
    program.close()
    assert (environment / "shut-down").exists()
    assert (environment / "running-others").exists()


def test_a_provider_that_adopts_by_its_other_name_is_kept_from_it_too(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DEERFLOW_SHAPE", "remote")
    (environment / "running-others").mkdir()
    Program([sys.executable], "deerflow").close()
    assert (environment / "shut-down").exists()
    assert (environment / "running-others").exists()


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        ("renamed", "its RenamedProvider has no _reconcile_orphans and no _reconcile_remote_sandboxes"),
        ("somebodys-adopting", "its SomebodysAdoptingProvider has no .*, but _adopt_strays"),
        ("resolved-otherwise", "has no resolve_class"),
    ],
)
def test_a_provider_that_cannot_be_kept_from_what_others_use_is_not_started_and_says_so(
    shape: str, why: str, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DEERFLOW_SHAPE", shape)
    (environment / "running-others").mkdir()
    with pytest.raises(OperationError, match=f"cannot be kept from sandboxes that others still use.*{why}"):
        Program([sys.executable], "deerflow")
    assert (environment / "running-others").exists()
    assert not (environment / "shut-down").exists()


def test_somebodys_own_provider_that_adopts_nothing_is_started(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DEERFLOW_SHAPE", "somebodys")
    Program([sys.executable], "deerflow").close()
    assert (environment / "shut-down").exists()


def test_an_exit_that_the_contract_does_not_give_is_never_made_up(program: Program) -> None:
    ran = ProgramProvider(program).acquire("k", OWNER, 20).run("echo out; exit 7", {}, None, 20)
    assert isinstance(ran.exit, Unknown)
    assert ran.stdout == b"out\n\nExit Code: 7"


def test_errors_are_told_by_kind(program: Program) -> None:
    provider = ProgramProvider(program)
    box = provider.acquire("k", OWNER, 20)
    for ask, kind in (
        (lambda: box.read("/mnt/user-data/none", None, None, 20), "not-found"),
        (lambda: box.grep("/mnt/user-data", Pattern(text="a["), 20), "refused"),
        (lambda: provider.acquire("j", Owner(thread="full"), 20), "capacity"),
    ):
        with pytest.raises(OperationError) as raised:
            ask()
        assert raised.value.kind == kind


def test_there_is_no_deletion(program: Program) -> None:
    provider = ProgramProvider(program)
    provider.acquire("k", OWNER, 20)
    with pytest.raises(OperationError, match="3 of 3 sandboxes"):
        provider.acquire("j", Owner(thread="full"), 20)
    for key in ("k", "k", "j"):
        with pytest.raises(NotOfferedError, match="no deletion"):
            provider.destroy(key, 20)


def test_a_provider_that_does_not_start_is_told_in_its_own_words(
    environment: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    del environment
    monkeypatch.setenv("FAKE_DEERFLOW_BROKEN", "1")
    with pytest.raises(OperationError, match=r"config\.yaml is missing"):
        Program([sys.executable], "deerflow")
    with pytest.raises(OperationError, match="could not be started"):
        Program(["/there/is/no/such/program"], "deerflow")


def test_a_program_that_dies_is_a_transport_fault_and_no_hang(program: Program) -> None:
    box = ProgramProvider(program).acquire("k", OWNER, 20)
    with pytest.raises(OperationError) as raised:
        box.run("kill -9 $PPID", {}, None, 20)
    assert raised.value.kind == "transport"
    # What its shutdown would have left; it was killed.
    (Path(__import__("os").environ["FAKE_DEERFLOW"]) / "shut-down").touch()


@pytest.mark.parametrize(("way", "why"), [("", ""), ("stays", "killed: what its backend still has")])
def test_what_commands_left_on_this_machine_ends_with_the_program(
    way: str, why: str, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del environment
    if way:
        monkeypatch.setattr(programs, "_END_SECONDS", 0.5)
    monkeypatch.setenv("FAKE_DEERFLOW_WAY", way)
    program = Program([sys.executable], "deerflow")
    box = ProgramProvider(program).acquire("k", OWNER, 20)
    ran = box.run("setsid sleep 600 > /dev/null 2>&1 < /dev/null & echo $!", {}, None, 20)
    told = program.close()
    assert (why in told, bool(why)) == (True, bool(told))
    wait_until(lambda: not lives(int(ran.stdout)))


def test_a_program_that_does_not_begin_is_not_waited_for_after_ctrl_c(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del environment
    monkeypatch.setattr(programs, "_UNBEGUN_SECONDS", 0.5)
    monkeypatch.setenv("FAKE_DEERFLOW_WAY", "never-begins")
    began = time.monotonic()
    with pytest.raises(OperationError, match="did not start"):
        Program([sys.executable], "deerflow", stopped=lambda: True)
    assert time.monotonic() - began < programs.BEGIN_SECONDS / 2


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("hangs", "no answer within 1 s"),
        ("dies", "the program of the driver deerflow has ended"),
        ("html", "no JSON but '<!doctype html>"),
        ("drops", "Connection reset by peer"),
        ("garbage", "garbage"),
    ],
)
def test_a_provider_that_misbehaves_fails_with_what_was_seen_and_keeps_nobody(
    way: str, said: str, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "GRACE_SECONDS", 0.5)
    monkeypatch.setattr(trying, "_PROBE_SECONDS", 0.5)
    monkeypatch.setattr(cleaning, "FILES_SECONDS", 0.5)
    monkeypatch.setenv("FAKE_DEERFLOW_WAY", way)
    program = Program([sys.executable], "deerflow")
    try:
        performer = Performer(
            provider=ProgramProvider(program),
            settings=Settings(),
            ledger=Ledger("mc-test"),
            stopped=lambda: False,
        )
        seconds = 1.0 if way == "hangs" else PATIENCE
        rows = [
            replace(
                row,
                first=(),
                checks=tuple(
                    replace(c, seconds=seconds) for c in row.checks if c.name in {"stdout", "exit-7"}
                ),
            )
            for row in rows_named(["Commands"])
        ]
        first, second = (c for row in Trial(performer, lambda _sentence: None).run(rows) for c in row.checks)
    finally:
        program.close()
    assert (first.verdict, said in first.observed) == ("fails", True), first.observed
    assert second.verdict in {"fails", "not-tried"}
    assert first.observed.isprintable()
    assert "Traceback" not in first.observed
    assert (environment / "shut-down").exists() or way == "dies"


def test_rows_are_tried_through_it_and_what_cannot_be_told_differs(program: Program) -> None:
    performer = Performer(
        provider=ProgramProvider(program),
        settings=Settings(users=("one", "two")),
        ledger=Ledger("mc-test"),
        stopped=lambda: False,
    )
    # The provider is no sandbox: what is not below its user data would be written to this machine.
    left_out = {*LONG, "read-only"}
    rows = [
        replace(row, checks=tuple(check for check in row.checks if check.name not in left_out))
        for row in rows_named(["Commands", "Files"])
    ]
    trial = Trial(performer, lambda _sentence: None)
    found = {f"{row.row}/{c.name}": c.verdict for row in trial.run(rows) for c in row.checks}
    assert found["Commands/exit-7"] == "differs"
    assert found["Commands/utf-8"] == found["Files/every-byte-in"] == "as-expected"
    assert found["Commands/after-the-limit"] == "not-tried"
    assert trial.left == []
