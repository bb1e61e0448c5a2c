"""`memcollect profile` with an HTTP service that makes sandboxes, and HTTP phases by port-forward."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.documents.bundle import Bundle, read_bundle
from memcollect.documents.events import read_events
from memcollect.profile.sandboxes import cleanup
from memcollect.testing import PODS
from worlds.profile_stage import NAMESPACE, Stage, staged
from worlds.stand_in_provisioner import API_KEY, Provisioning, provisioning
from worlds.waiting import wait_until

PLAN = """
name = "small"
repeats = 1
poll = "50ms"
[settle]
within = "1Mi"
over = "600ms"
at_most = "60s"
[source]
kind = "provisioner"
namespace = "deer-flow"
ready_within = "60s"
headers = {{ X-API-Key = "STAGE_KEY" }}
create = {{ url = "{url}", body = '{{"sandbox_id": "{{id}}"}}' }}
delete = {{ method = "DELETE", url = "{url}/{{id}}" }}
{release}
"""
RELEASE = 'release = {{ url = "{url}/{{id}}/release" }}\n'
EMPTY = '[[phases]]\nname = "empty"\ndo = "nothing"\n'
WARM = '[[phases]]\nname = "warm"\ndo = "reuse"\ncycles = 2\nidle = "10ms"\ncommand = ["true"]\n'


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[tuple[Stage, list[str]]]:
    with staged(tmp_path) as found:
        yield found


@pytest.fixture
def provisioner(stage: tuple[Stage, list[str]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Provisioning]:
    monkeypatch.setenv("STAGE_KEY", API_KEY)
    with provisioning(stage[0]) as served:
        yield served


def profiled(
    provisioner: Provisioning,
    options: list[str],
    phases: str,
    *,
    release: bool = True,
    request_timeout: str = "30s",
) -> tuple[int, Bundle]:
    directory = provisioner.stage.directory
    url = provisioner.url
    plan = PLAN.format(url=url, release=RELEASE.format(url=url) if release else "")
    plan = plan.replace("[source]", f'[source]\nrequest_timeout = "{request_timeout}"')
    (directory / "plan.toml").write_text(plan + phases)
    code = run(
        ["profile", str(directory / "plan.toml"), "-o", str(directory / "run"), *options], "memcollect"
    )
    return code, read_bundle(str(directory / "run"))


def test_it_is_asked_to_make_to_release_and_to_delete(
    provisioner: Provisioning, stage: tuple[Stage, list[str]]
) -> None:
    _, bundle = profiled(provisioner, stage[1], WARM)
    runs = bundle.manifest.phases
    assert [(each.cycle, each.status, each.same_pod) for each in runs] == [(1, "ok", True), (2, "ok", True)]
    assert len({path for each in runs for path in each.snapshots}) == 2
    methods = [(method, path.rpartition("/")[2] == "release") for method, path in provisioner.asked]
    assert methods == [("POST", False), *[("POST", True), ("POST", False)] * 2, ("DELETE", False)]
    assert stage[0].pods() == []


def test_another_pod_after_the_release_is_told(
    provisioner: Provisioning, stage: tuple[Stage, list[str]]
) -> None:
    provisioner.fresh_after_release = True
    _, bundle = profiled(provisioner, stage[1], WARM)
    assert [each.same_pod for each in bundle.manifest.phases] == [False, False]


def test_a_release_that_failed_does_not_tell_which_pod_came_back(
    provisioner: Provisioning, stage: tuple[Stage, list[str]]
) -> None:
    provisioner.release_fails = True
    _, bundle = profiled(provisioner, stage[1], WARM)
    runs = bundle.manifest.phases
    assert [(each.status, each.same_pod) for each in runs] == [("failed", None), ("failed", None)]
    assert all("HTTP 500" in each.reason for each in runs)


def test_every_pod_that_a_sandbox_ever_had_is_looked_for_after_its_deletion(
    provisioner: Provisioning, stage: tuple[Stage, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "PATIENCE_SECONDS", 0.0)
    provisioner.fresh_after_release = stage[0].keep_cgroups = True
    _, bundle = profiled(provisioner, stage[1], EMPTY + WARM)
    manifest = bundle.manifest
    looks = [*manifest.phases[-1].nodes, *manifest.nodes]
    after = [each.leftover_cgroups for each in looks if each.moment == "after"]
    # Three pods, each with its own cgroup and that of its container.
    assert after == [6, 6]


def test_a_startup_belongs_to_the_round_in_which_the_pod_came(
    provisioner: Provisioning, stage: tuple[Stage, list[str]]
) -> None:
    provisioner.fresh_after_release = True
    _, bundle = profiled(provisioner, stage[1], EMPTY + WARM)
    runs = bundle.manifest.phases
    measured = [bundle.snapshots[each.snapshots[0]].pods[0].uid for each in runs]
    assert [[row.pod_uid for row in each.startups] for each in runs] == [[uid] for uid in measured]
    assert len(set(measured)) == 3
    assert all(
        row.requested_at is not None and row.seen_ready_at is not None
        for each in runs
        for row in each.startups
    )


def test_a_first_phase_of_rounds_has_the_startup_of_the_first_pod_once(
    provisioner: Provisioning, stage: tuple[Stage, list[str]]
) -> None:
    _, bundle = profiled(provisioner, stage[1], WARM)
    assert [len(each.startups) for each in bundle.manifest.phases] == [1, 0]


def test_without_a_release_the_phase_is_left_out_said_once_and_nothing_is_missing(
    provisioner: Provisioning, stage: tuple[Stage, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    code, bundle = profiled(provisioner, stage[1], EMPTY + WARM, release=False)
    assert (code, [each.phase for each in bundle.manifest.phases]) == (0, ["empty"])
    assert bundle.manifest.plan.phases == ["empty"]
    said = capsys.readouterr().err
    assert said.count("left out, since the source has no release") == 1
    assert "skipped" not in said


def test_the_secret_is_nowhere_in_the_bundle(
    provisioner: Provisioning, stage: tuple[Stage, list[str]]
) -> None:
    profiled(provisioner, stage[1], WARM)
    files = [path for path in (stage[0].directory / "run").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if API_KEY.encode() in path.read_bytes()]


def test_a_key_that_is_refused_is_a_result(
    provisioner: Provisioning, stage: tuple[Stage, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE_KEY", "wrong")
    code, bundle = profiled(provisioner, stage[1], WARM)
    (failed,) = bundle.manifest.phases
    assert (code, failed.status) == (3, "failed")
    assert "HTTP 401" in failed.reason
    assert "wrong" not in failed.reason


def test_what_was_refused_is_not_told_to_be_left_behind(
    provisioner: Provisioning,
    stage: tuple[Stage, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("STAGE_KEY", "wrong")
    profiled(provisioner, stage[1], '[[phases]]\nname = "empty"\ndo = "nothing"\n')
    assert "not-deleted" not in (stage[0].directory / "run" / "events.jsonl").read_text()
    assert "DELETE" not in capsys.readouterr().err


def test_a_key_that_is_not_set_is_told_before_anything_is_made(
    provisioner: Provisioning,
    stage: tuple[Stage, list[str]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("STAGE_KEY")
    plan = stage[0].directory / "plan.toml"
    plan.write_text(PLAN.format(url=provisioner.url, release="") + EMPTY)
    assert run(["profile", str(plan), "-o", str(plan.parent / "run"), *stage[1]], "memcollect") == 2
    assert "export STAGE_KEY=" in capsys.readouterr().err
    assert not (plan.parent / "run").exists()


def test_a_sandbox_that_comes_after_its_deletion_is_deleted_all_the_same(
    provisioner: Provisioning, stage: tuple[Stage, list[str]]
) -> None:
    provisioner.late = True
    empty = '[[phases]]\nname = "empty"\ndo = "nothing"\n'
    code, bundle = profiled(provisioner, stage[1], empty, request_timeout="1s")
    wait_until(lambda: len(stage[0].made) == 1)
    assert stage[0].pods() == []
    assert [method for method, _ in provisioner.asked] == ["POST", "DELETE", "DELETE"]
    (failed,) = bundle.manifest.phases
    assert (code, failed.status) == (3, "failed")
    assert "did not answer" in failed.reason
    assert failed.startups[0].requested_at is not None
    events = [each.kind for each in read_events(stage[0].directory / "run")]
    assert events.index("not-ready") < events.index("came-late") < events.index("deleted")


@pytest.mark.parametrize(("path", "status"), [("/v1/sandbox", "ok"), ("/nothing", "failed")])
def test_an_http_phase_calls_the_sandbox_through_port_forward(
    provisioner: Provisioning, stage: tuple[Stage, list[str]], path: str, status: str
) -> None:
    called = []

    class Sandbox(http.server.BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            called.append(self.path)
            self.send_response(200 if self.path == "/v1/sandbox" else 404)
            self.end_headers()

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sandbox) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        made = stage[0].state.on_pod_created

        def created(pod: dict[str, dict[str, str]]) -> None:
            made(pod)
            address = ("127.0.0.1", server.server_port)
            stage[0].state.forward(NAMESPACE, pod["metadata"]["name"], 8080, to=address)

        stage[0].state.on_pod_created = created
        http_phase = f'[[phases]]\nname = "web"\ndo = "http"\npath = "{path}"\n'
        _, bundle = profiled(provisioner, stage[1], http_phase)
        server.shutdown()
        thread.join()
    assert called == [path]
    assert [each.status for each in bundle.manifest.phases] == [status]
    assert len(stage[0].state.store.all(PODS)) == 1
