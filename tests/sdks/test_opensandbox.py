"""OpenSandbox's own package, by our driver's program, against the stand-in for its interface."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.evidence.port import OperationError, Owner
from memcollect.testing import PODS, objects
from memcollect.testing.sandboxes.opensandbox import HOME, OpenSandbox
from memcollect.testing.sandboxes.serving import Served
from memcollect.trying.drivers.program import Program, ProgramProvider
from sdks.conftest import Installed
from sdks.driven import RUN, broken, started, tried
from worlds.hostile_interface import hostile
from worlds.profile_stage import NAMESPACE, Stage, staged
from worlds.waiting import wait_until

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


def test_one_that_goes_by_itself_in_the_middle_of_a_sweep_is_no_fault_and_keeps_no_other(
    both: tuple[OpenSandbox, Program],
) -> None:
    backend, program = both
    provider = ProgramProvider(program)
    for key in ("first", "second", "third"):
        provider.acquire(key, OWNER, 60)
    names = list(backend.there)

    def the_second_goes_too(_name: str) -> None:
        backend.there.pop(names[1], None)

    backend.on_gone = the_second_goes_too
    try:
        assert program.ask("sweep", 60, run=RUN).paths == names
        assert backend.there == {}
        provider.acquire("fourth", OWNER, 60)
        backend.there.clear()
        provider.destroy("fourth", 60)
    finally:
        backend.on_gone = lambda _name: None


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
    made: list[str] = []
    backend.on_made = made.append
    with hostile(way) as hostile_:
        backend.execd = hostile_.url.removeprefix("http://")
        try:
            with pytest.raises(OperationError) as raised:
                provider.acquire(way, OWNER, 5.0).run("true", {}, None, 5.0)
            # On a busy machine the answer's time can be over before the package has asked at all.
            wait_until(lambda: hostile_.connections > 0)
        finally:
            backend.execd, backend.on_made = "", lambda _name: None
    assert len(made) == 1
    assert raised.value.kind in {"timeout", "transport", "garbage", "refused"}
    assert "Traceback" not in str(raised.value)
    assert str(raised.value).isprintable()
    program.ask("sweep", 60, run=RUN)
    assert backend.there == {}
    assert provider.acquire("j", OWNER, 60).run("echo good", {}, None, 60).stdout.rstrip() == b"good"
    provider.destroy("j", 60)


PLAN = """
name = "pods"
repeats = 1
poll = "50ms"
[settle]
over = "600ms"
at_most = "60s"
[source]
kind = "opensandbox"
namespace = "deer-flow"
ready_within = "60s"
[[phases]]
name = "empty"
do = "nothing"
[[phases]]
name = "again"
do = "reuse"
cycles = 1
idle = "100ms"
[[phases]]
name = "evidence"
do = "evidence"
rows = ["Operations", "Paths", "Cleanup"]
[evidence]
template = "python:3.13"
"""


def test_pods_of_its_kubernetes_runtime_are_measured_joined_by_the_id_that_it_gives(
    installed: Installed, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPEN_SANDBOX_API_KEY", "key-of-the-test")
    backend = OpenSandbox(tmp_path / "opensandbox")
    (tmp_path / "stage").mkdir()
    with Served(backend) as served, staged(tmp_path / "stage") as (stage, options):
        backend.on_made = lambda name: in_a_pod(stage, name)
        backend.on_gone = lambda name: gone(stage, name)
        python = ["env", f"PYTHONPATH={installed('opensandbox')}", sys.executable]
        (tmp_path / "plan.toml").write_text(
            f"{PLAN}api = {json.dumps(served.url)}\ncommand = {json.dumps(python)}\n"
        )
        words = ["profile", str(tmp_path / "plan.toml"), "-o", str(tmp_path / "out"), *options]
        code = run(words, "memcollect")
        err = capsys.readouterr().err
        assert code == 3, err
        assert (backend.there, stage.pods()) == ({}, [])
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_bytes())
    phases = {each["phase"]: each for each in manifest["phases"]}
    assert [phases[name]["status"] for name in ("empty", "again", "evidence")] == ["ok", "ok", "ok"], err
    assert phases["again"]["same_pod"] is True
    (row,) = phases["empty"]["startups"]
    assert row["pod"].startswith("sandbox-")
    snapshot = json.loads((tmp_path / "out" / phases["empty"]["snapshots"][0]).read_bytes())
    (pod,) = snapshot["pods"]
    assert (pod["name"], pod["cgroup"]["current_bytes"]) == (row["pod"], 50 << 20)
    document = json.loads((tmp_path / "out" / "evidence" / "evidence.json").read_bytes())
    found = {c["name"]: c["verdict"] for each in document["rows"] for c in each["checks"]}
    assert found["privileged"] == found["destroy"] == "as-expected"


def in_a_pod(stage: Stage, name: str) -> None:
    """Make the pod of a sandbox by a name of its own, with the id in a label."""
    pod = objects.pod(
        NAMESPACE, f"sandbox-{name[:8]}", labels={"opensandbox.io/id": name}, containers=("sandbox",)
    )
    stage.state.create(PODS, NAMESPACE, pod)


def gone(stage: Stage, name: str) -> None:
    """Take the pod of a sandbox away, and its cgroup."""
    there = stage.state.store.remove(PODS, NAMESPACE, f"sandbox-{name[:8]}")
    stage.state.on_pod_deleted(there.decoded())
