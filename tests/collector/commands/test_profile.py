"""`memcollect profile` as a user runs it: a cluster that makes pods, a real agent, real processes."""

import copy
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memcollect.commands.run import run
from memcollect.documents.bundle import Bundle, read_bundle
from memcollect.documents.run import PhaseRun
from memcollect.sources.access import PATH as REVIEWS
from memcollect.testing import NAMESPACES, Fault
from worlds import children
from worlds.bad_parts import sentences_of, text_of
from worlds.bad_plan_of_a_provisioner import OF_A_PROVISIONER
from worlds.live_cluster import command_of, environment, memcollect
from worlds.profile_stage import GROW, NAMESPACE, NODE, POD, Stage, staged
from worlds.waiting import PATIENCE, wait_until

HEAD = """
name = "small"
version = "7"
backend = "aio"
repeats = {repeats}
poll = "50ms"
[settle]
within = "1Mi"
over = "1s"
at_most = "60s"
[source]
kind = "template"
file = "pod.yaml"
ready_within = "{ready_within}"
"""
EMPTY = '[[phases]]\nname = "empty"\ndo = "nothing"\n'
GROWN = f"""[[phases]]
name = "after-python"
do = "exec"
command = ["python3", "-c", {GROW!r}, "{80 << 20}"]
"""
Profile = Callable[..., tuple[int, Bundle]]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[tuple[Stage, list[str]]]:
    with staged(tmp_path) as found:
        (tmp_path / "pod.yaml").write_text(POD)
        yield found


@pytest.fixture
def profile(stage: tuple[Stage, list[str]], tmp_path: Path) -> Profile:
    def profiled(phases: str, repeats: int = 1, ready_within: str = "60s") -> tuple[int, Bundle]:
        plan = tmp_path / "plan.toml"
        plan.write_text(HEAD.format(repeats=repeats, ready_within=ready_within) + phases)
        code = run(["profile", str(plan), "-o", str(tmp_path / "run"), *stage[1]], "memcollect")
        return code, read_bundle(str(tmp_path / "run"))

    return profiled


def outcomes(bundle: Bundle) -> list[tuple[str, int, str]]:
    return [(each.phase, each.repeat, each.status) for each in bundle.manifest.phases]


def only(bundle: Bundle, phase: str) -> PhaseRun:
    (found,) = [each for each in bundle.manifest.phases if each.phase == phase]
    return found


def test_every_phase_of_every_repeat_is_settled_and_measured(
    profile: Profile, stage: tuple[Stage, list[str]]
) -> None:
    code, bundle = profile(EMPTY + GROWN, repeats=2)
    assert outcomes(bundle) == [(p, r, "ok") for r in (1, 2) for p in ("empty", "after-python")]
    assert bundle.problems == []
    for each in bundle.manifest.phases:
        (path,) = each.snapshots
        (pod,) = bundle.snapshots[path].pods
        assert each.settling is not None
        assert each.settling.settled
        assert bundle.snapshots[path].scope.namespaces == [NAMESPACE]
        grown = each.phase == "after-python"
        assert pod.cgroup is not None
        assert pod.cgroup.current_bytes == (80 if grown else 50) << 20
    assert bundle.manifest.finished_at is not None
    assert bundle.manifest.images == {"sandbox": ["sha256:abc"]}
    assert stage[0].pods() == []
    assert code == 0


def test_each_snapshot_says_which_cluster_it_is_of_where_that_may_be_read(
    profile: Profile, stage: tuple[Stage, list[str]]
) -> None:
    state = stage[0].state
    state.put(NAMESPACES, {"metadata": {"name": "kube-system", "uid": "0a1b"}})
    _, bundle = profile(EMPTY + GROWN)
    assert [each.cluster_uid for each in bundle.snapshots.values()] == ["0a1b"] * 2
    assert state.requests.paths().count("/api/v1/namespaces/kube-system") == 1


def test_each_repeat_has_a_pod_of_its_own_and_a_phase_keeps_that_of_the_one_before(profile: Profile) -> None:
    _, bundle = profile(EMPTY + GROWN, repeats=2)
    uids = [bundle.snapshots[each.snapshots[0]].pods[0].uid for each in bundle.manifest.phases]
    assert uids[0] == uids[1] != uids[2] == uids[3]


def test_startup_is_told_by_the_api_and_by_looking(profile: Profile, stage: tuple[Stage, list[str]]) -> None:
    stage[0].ready_after = 0.4
    _, bundle = profile('[[phases]]\nname = "many"\ndo = "scale"\nsteps = [3, 6]\n')
    runs = bundle.manifest.phases
    assert [(each.step, len(each.startups)) for each in runs] == [(3, 3), (6, 6)]
    for row in (row for each in runs for row in each.startups):
        assert row.node == NODE
        assert None not in {row.created_at, row.scheduled_at, row.started_at, row.ready_at}
        assert row.requested_at is not None
        assert row.seen_ready_at is not None
        assert 0.3 < row.seen_ready_at - row.requested_at < PATIENCE
        assert row.pulled is None
        assert row.poll_seconds == 0.05


def test_the_nodes_are_looked_at_before_at_each_step_and_after_the_deletion(profile: Profile) -> None:
    _, bundle = profile(EMPTY)
    looks = only(bundle, "empty").nodes
    assert [(each.moment, each.node, each.leftover_cgroups) for each in looks] == [
        ("before", NODE, None),
        ("step", NODE, None),
        ("after", NODE, 0),
    ]
    assert {each.meminfo["MemAvailable"] for each in looks} == {12_000_000 * 1024}
    whole_run = [(each.moment, each.leftover_cgroups) for each in bundle.manifest.nodes]
    assert whole_run == [("before", None), ("after", 0)]


def test_a_command_that_fails_is_a_result_and_the_next_phase_goes_on(profile: Profile) -> None:
    failing = '[[phases]]\nname = "bad"\ndo = "exec"\ncommand = ["sh", "-c", "echo no >&2; exit 3"]\n'
    code, bundle = profile(failing + EMPTY)
    bad = only(bundle, "bad")
    assert (code, bad.status, bad.exit_code) == (3, "failed", 3)
    assert "exit code 3: no" in bad.reason
    assert len(bad.snapshots) == 1
    assert only(bundle, "empty").status == "ok"


def test_a_program_that_the_image_lacks_is_a_result(profile: Profile) -> None:
    _, bundle = profile('[[phases]]\nname = "node"\ndo = "exec"\ncommand = ["node", "-v"]\n')
    assert only(bundle, "node").status == "failed"
    assert "executable file not found" in only(bundle, "node").reason


def test_a_command_that_takes_too_long_is_timed_out(profile: Profile) -> None:
    slow = '[[phases]]\nname = "slow"\ndo = "exec"\ncommand = ["sleep", "60"]\ntime_limit = "500ms"\n'
    _, bundle = profile(slow)
    assert only(bundle, "slow").status == "timed-out"


def test_memory_that_does_not_come_to_rest_is_measured_and_called_so(profile: Profile) -> None:
    # It runs on after its end, as a service that a phase has started does.
    grow = GROW.replace("sys.argv[1]", "str((50 + 3 * n) << 20)").partition("; ")[2].split("; ")
    lines = ["import os, time", "if os.fork() == 0:", " os.close(1); os.close(2)", " for n in range(600):"]
    code = "\\n".join([*lines, *(f"  {line}" for line in grow), "  time.sleep(0.1)"])
    phase = f'[[phases]]\nname = "noisy"\ndo = "exec"\ncommand = ["python3", "-c", "{code}"]\n'
    _, bundle = profile(phase + 'settle = { within = "1Mi", over = "1s", at_most = "4s" }\n')
    noisy = only(bundle, "noisy")
    assert noisy.status == "did-not-settle"
    assert noisy.settling is not None
    assert (noisy.settling.change_bytes or 0) > 1 << 20
    assert len(noisy.snapshots) == 1


def test_a_pod_that_is_never_ready_is_a_result(profile: Profile, stage: tuple[Stage, list[str]]) -> None:
    stage[0].ready_after = None
    code, bundle = profile(EMPTY + GROWN, ready_within="500ms")
    assert (code, outcomes(bundle)) == (3, [("empty", 1, "failed"), ("after-python", 1, "skipped")])
    assert "was not ready within 0.5 s" in only(bundle, "empty").reason
    assert only(bundle, "empty").startups[0].seen_ready_at is None
    assert stage[0].pods() == []


def test_a_creation_that_is_denied_is_a_result(profile: Profile, stage: tuple[Stage, list[str]]) -> None:
    # Nobody could say so beforehand.
    stage[0].state.fault(Fault(REVIEWS, status=403, times=None))
    stage[0].state.access.deny("create", "pods")
    code, bundle = profile(EMPTY)
    assert (code, outcomes(bundle)) == (3, [("empty", 1, "failed")])
    assert "kubectl auth can-i create pods -n deer-flow" in only(bundle, "empty").reason


def test_what_the_run_did_not_make_stays(profile: Profile, stage: tuple[Stage, list[str]]) -> None:
    stage[0].add_pod("somebody-elses", {"app": "deer-flow-sandbox"})
    profile(EMPTY)
    assert stage[0].pods() == ["somebody-elses"]


def test_cgroups_that_stay_after_the_deletion_are_leftovers(
    profile: Profile, stage: tuple[Stage, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memcollect.profile.sandboxes.cleanup.PATIENCE_SECONDS", 0.5)
    stage[0].keep_cgroups = True
    _, bundle = profile(EMPTY)
    after = only(bundle, "empty").nodes[-1]
    assert (after.moment, after.leftover_cgroups, after.leftover_processes) == ("after", 2, ["app"])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_keeps_what_was_measured_deletes_what_was_made_and_resume_goes_on(
    stage: tuple[Stage, list[str]], tmp_path: Path, number: signal.Signals
) -> None:
    plan, directory = tmp_path / "plan.toml", tmp_path / "run"
    slow = '[[phases]]\nname = "slow"\ndo = "exec"\ncommand = ["sh", "-c", "test -e %s || sleep 60"]\n'
    flag = tmp_path / "flag"
    plan.write_text(HEAD.format(repeats=2, ready_within="60s") + EMPTY + slow % flag)
    command = command_of(["profile", str(plan), "-o", str(directory), *stage[1]])
    with children.Child(command, env=environment(), stderr=subprocess.PIPE) as process:
        wait_until(
            lambda: (
                '"phase-started"' in _text(directory / "events.jsonl")
                and '"slow"' in _text(directory / "events.jsonl")
            )
        )
        process.send_signal(number)
        _, said = process.communicate()
    assert process.returncode == 130, said
    assert f"memcollect profile --resume {directory}" in said
    assert stage[0].pods() == []
    broken = read_bundle(str(directory))
    assert outcomes(broken) == [("empty", 1, "ok"), ("slow", 1, "interrupted")]
    flag.touch()
    resumed = memcollect("profile", "--resume", str(directory), *stage[1])
    whole = read_bundle(str(directory))
    assert outcomes(whole) == [(p, r, "ok") for r in (1, 2) for p in ("empty", "slow")], resumed.stderr
    assert whole.problems == []
    assert whole.manifest.finished_at is not None
    assert "is whole already" in memcollect("profile", "--resume", str(directory), *stage[1]).stderr


def test_after_a_crash_clean_deletes_what_the_run_has_left(
    stage: tuple[Stage, list[str]], tmp_path: Path
) -> None:
    plan, directory = tmp_path / "plan.toml", tmp_path / "run"
    slow = '[[phases]]\nname = "slow"\ndo = "exec"\ncommand = ["sleep", "60"]\n'
    plan.write_text(HEAD.format(repeats=1, ready_within="60s") + slow)
    stage[0].add_pod("somebody-elses")
    command = command_of(["profile", str(plan), "-o", str(directory), *stage[1]])
    with children.Child(command, env=environment(), stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: '"slow"' in _text(directory / "events.jsonl"))
        process.kill()
    assert len(stage[0].pods()) == 2
    cleaned = memcollect("profile", "--clean", str(directory), *stage[1])
    assert (cleaned.returncode, stage[0].pods()) == (0, ["somebody-elses"]), cleaned.stderr


def test_a_plan_with_mistakes_is_told_line_by_line_and_touches_nothing(
    stage: tuple[Stage, list[str]], tmp_path: Path
) -> None:
    plan, sentences = tmp_path / "plan.toml", sentences_of(OF_A_PROVISIONER)
    plan.write_text(text_of(OF_A_PROVISIONER))
    done = memcollect("profile", str(plan), "-o", str(tmp_path / "run"), *stage[1])
    expected = [f"memcollect: {plan} has {len(sentences)} mistakes:", *(f"  {each}" for each in sentences)]
    assert (done.returncode, done.stdout, done.stderr.splitlines()) == (2, "", expected)
    assert not (tmp_path / "run").exists()
    assert list(stage[0].state.requests) == []


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("command", ["profile", "evidence"])
def test_a_plan_or_source_that_is_not_there_is_told_before_a_cluster_is_looked_for(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "nosuch", "--kubeconfig", "/nowhere"], "memcollect") == 2
    told = capsys.readouterr().err
    assert "There is no file nosuch" in told
    assert "kubeconfig" not in told


def test_a_selector_uses_what_is_there_and_neither_deletes_it_nor_calls_it_left(
    stage: tuple[Stage, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage[0].add_pod("one", {"app": "x"})
    plan = tmp_path / "plan.toml"
    source = f'[source]\nkind = "selector"\nnamespace = "{NAMESPACE}"\nselector = "app=x"\n'
    head = HEAD.format(repeats=1, ready_within="60s").partition("[source]")[0]
    plan.write_text(head + source + EMPTY)
    run(["profile", str(plan), "-o", str(tmp_path / "run"), *stage[1]], "memcollect")
    bundle = read_bundle(str(tmp_path / "run"))
    assert outcomes(bundle) == [("empty", 1, "ok")]
    assert stage[0].pods() == ["one"]
    assert only(bundle, "empty").startups == []
    (after,) = [each for each in bundle.manifest.nodes if each.moment == "after"]
    assert (after.leftover_cgroups, after.leftover_processes) == (None, [])
    assert "deleted" not in capsys.readouterr().err


def test_a_clone_has_the_running_pods_containers_none_of_its_labels_and_the_runtime_class(
    stage: tuple[Stage, list[str]], tmp_path: Path
) -> None:
    stage[0].add_pod("one", {"app": "deer-flow-sandbox"})
    seen: list[dict[str, Any]] = []
    made = stage[0].state.on_pod_created

    def created(pod: dict[str, Any]) -> None:
        seen.append(copy.deepcopy(pod))
        made(pod)

    stage[0].state.on_pod_created = created
    source = '[source]\nkind = "template"\nclone = "app=deer-flow-sandbox"\nruntime_class = "gvisor"\n'
    head = HEAD.format(repeats=1, ready_within="60s").partition("[source]")[0]
    (tmp_path / "plan.toml").write_text(head + source + EMPTY)
    run(["profile", str(tmp_path / "plan.toml"), "-o", str(tmp_path / "run"), *stage[1]], "memcollect")
    bundle = read_bundle(str(tmp_path / "run"))
    (pod,) = seen
    assert [each["name"] for each in pod["spec"]["containers"]] == ["sandbox"]
    assert pod["metadata"]["labels"] == {"memcollect/run": bundle.manifest.run_id}
    assert pod["spec"]["runtimeClassName"] == "gvisor"
    assert stage[0].pods() == ["one"]


def test_a_person_who_releases_presses_enter(stage: tuple[Stage, list[str]], tmp_path: Path) -> None:
    asks = '[[phases]]\nname = "by-hand"\ndo = "mark"\nask = "Release it"\ntime_limit = "20s"\n'
    (tmp_path / "plan.toml").write_text(HEAD.format(repeats=1, ready_within="60s") + asks)
    arguments = ["profile", str(tmp_path / "plan.toml"), "-o"]
    pressed = memcollect(*arguments, str(tmp_path / "a"), *stage[1], input="\n")
    nobody = memcollect(*arguments, str(tmp_path / "b"), *stage[1], input="")
    assert "Release it - then press Enter" in pressed.stderr
    assert [outcomes(read_bundle(str(tmp_path / name))) for name in ("a", "b")] == [
        [("by-hand", 1, "ok")],
        [("by-hand", 1, "failed")],
    ]
    assert (pressed.returncode, nobody.returncode) == (0, 3)


def test_where_the_source_has_no_release_a_person_may_do_it(
    stage: tuple[Stage, list[str]], tmp_path: Path
) -> None:
    warm = '[[phases]]\nname = "warm"\ndo = "reuse"\ncycles = 2\nask = "Release and reuse it"\n'
    (tmp_path / "plan.toml").write_text(HEAD.format(repeats=1, ready_within="60s") + warm)
    arguments = ["profile", str(tmp_path / "plan.toml"), "-o", str(tmp_path / "run"), *stage[1]]
    done = memcollect(*arguments, input="\n\n")
    runs = read_bundle(str(tmp_path / "run")).manifest.phases
    assert [(each.cycle, each.status, each.same_pod) for each in runs] == [
        (1, "ok", True),
        (2, "ok", True),
    ], done.stderr
