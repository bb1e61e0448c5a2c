"""The package of Kubernetes' agent-sandbox, by our driver's program, against our stand-ins."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from memcollect.commands.run import run
from memcollect.evidence.port import OperationError, Owner
from memcollect.testing.access import Attributes
from memcollect.testing.sandboxes.agent_sandbox import CLAIMS, HOME, AgentSandbox
from memcollect.testing.sandboxes.serving import Served
from memcollect.trying.drivers.program import Program, ProgramProvider
from sdks.conftest import Installed
from sdks.driven import RUN, broken, started, tried
from worlds import manifests
from worlds.hostile_interface import hostile
from worlds.profile_stage import NAMESPACE, Stage, staged

OWNER = Owner(thread="thread-1", user="one")
POD = {"containers": [{"name": "sandbox", "image": "example/runtime"}]}
PLAN = """
name = "claims"
repeats = 1
poll = "50ms"
[settle]
over = "600ms"
at_most = "60s"
[source]
kind = "agent-sandbox"
namespace = "deer-flow"
ready_within = "60s"
[[phases]]
name = "empty"
do = "nothing"
[[phases]]
name = "evidence"
do = "evidence"
rows = ["Operations", "Paths"]
[evidence]
template = "pool"
"""


@dataclass
class World:
    """A cluster with a warm pool, its router's address, and the options that lead a command there."""

    stage: Stage
    backend: AgentSandbox
    router: str
    options: list[str]

    @property
    def kubeconfig(self) -> str:
        return self.options[1]

    def claims(self) -> int:
        return len(self.stage.state.store.all(CLAIMS))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "stage").mkdir()
    with staged(tmp_path / "stage") as (stage, options):
        backend = AgentSandbox(tmp_path / "sandboxes", stage.state)
        backend.pool(NAMESPACE, "pool", POD)
        with Served(backend) as served:
            yield World(stage, backend, served.url, options)


@contextmanager
def asked(world: World, package: Path, router: str = "", pool: str = "pool") -> Iterator[Program]:
    options = {
        "api": router or world.router,
        "template": pool,
        "prefix": HOME,
        "kubeconfig": world.kubeconfig,
        "context": "",
    }
    with started("agent-sandbox", package, options) as program:
        yield program


def test_a_sandbox_is_claimed_used_and_given_up(world: World, installed: Installed) -> None:
    with asked(world, installed("k8s-agent-sandbox")) as program:
        provider = ProgramProvider(program)
        box = provider.acquire("mc-one", OWNER, 60)
        assert box.pod == box.name == next(iter(world.backend.there))
        checks = {"Commands": ("stderr", "exit-7", "time-limit"), "Files": ("every-byte-in", "missing-file")}
        found, left = tried(program, checks)
        assert (broken(found), left) == ({}, [])
        assert {each.verdict for each in found.values()} == {"as-expected"}
        assert not provider.releases
        provider.destroy("mc-one", 60)
        assert (world.claims(), world.stage.pods()) == (0, [])


def test_what_a_run_has_left_is_swept_and_nothing_else(world: World, installed: Installed) -> None:
    with asked(world, installed("k8s-agent-sandbox")) as program:
        provider = ProgramProvider(program)
        mine = provider.acquire("mine", OWNER, 60).name
        other = provider.acquire("other", OWNER, 60).name

        def of_another_run(claim: dict[str, object]) -> dict[str, object]:
            claim["metadata"]["labels"]["memcollect-run"] = "mc-9876543210"  # type: ignore[index]
            return claim

        world.stage.state.store.change(CLAIMS, NAMESPACE, "other", of_another_run)
        assert program.ask("sweep", 60, run=RUN).paths == [mine]
        assert world.stage.pods() == [other]


def test_a_pool_that_is_not_there_is_told_in_its_own_words(world: World, installed: Installed) -> None:
    with asked(world, installed("k8s-agent-sandbox"), pool="none") as program:
        with pytest.raises(OperationError, match="SandboxWarmPool none not found") as raised:
            ProgramProvider(program).acquire("k", OWNER, 60)
        assert raised.value.kind == "not-found"
        program.ask("sweep", 60, run=RUN)
    assert world.claims() == 0


@pytest.mark.parametrize("way", ["html", "hangs"])
def test_a_router_that_misbehaves_is_an_error_in_time_and_the_claim_goes(
    way: str, world: World, installed: Installed
) -> None:
    with hostile(way) as hostile_, asked(world, installed("k8s-agent-sandbox"), hostile_.url) as program:
        box = ProgramProvider(program).acquire("k", OWNER, 60)
        with pytest.raises(OperationError) as raised:
            box.run("true", {}, None, 3.0)
        assert str(raised.value).isprintable()
        assert "Traceback" not in str(raised.value)
    assert (world.claims(), world.stage.pods()) == (0, [])


def test_a_plan_measures_its_pods_and_tries_it_and_clean_removes_what_a_crash_left(
    world: World,
    installed: Installed,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked_of_the_api = _recorded(world, monkeypatch)
    python = ["env", f"PYTHONPATH={installed('k8s-agent-sandbox')}", sys.executable]
    (tmp_path / "plan.toml").write_text(
        f"{PLAN}api = {json.dumps(world.router)}\ncommand = {json.dumps(python)}\n"
    )
    out = tmp_path / "out"
    code = run(["profile", str(tmp_path / "plan.toml"), "-o", str(out), *world.options], "memcollect")
    err = capsys.readouterr().err
    assert code == 3, err
    assert (world.claims(), world.stage.pods()) == (0, [])
    manifest = json.loads((out / "manifest.json").read_bytes())
    phases = {each["phase"]: each for each in manifest["phases"]}
    assert [phases[name]["status"] for name in ("empty", "evidence")] == ["ok", "ok"], err
    (pod,) = json.loads((out / phases["empty"]["snapshots"][0]).read_bytes())["pods"]
    assert (pod["name"].startswith("pool-"), pod["cgroup"]["current_bytes"]) == (True, 50 << 20)
    document = json.loads((out / "evidence" / "evidence.json").read_bytes())
    found = {c["name"]: c["verdict"] for each in document["rows"] for c in each["checks"]}
    assert found["privileged"] == "as-expected"
    with asked(world, installed("k8s-agent-sandbox")) as program:
        program.ask("acquire", 60, key="left", thread="t", user="")

        def of_the_run(claim: dict[str, object]) -> dict[str, object]:
            claim["metadata"]["labels"]["memcollect-run"] = f"mc-{manifest['run_id']}"  # type: ignore[index]
            return claim

        world.stage.state.store.change(CLAIMS, NAMESPACE, "left", of_the_run)
    assert world.claims() == 1
    assert run(["profile", "--clean", str(out), *world.options], "memcollect") == 0, capsys.readouterr().err
    assert (world.claims(), world.stage.pods()) == (0, [])
    assert asked_of_the_api == _granted()


def _recorded(world: World, monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str, str]]:
    """Return what will be asked for in groups of agent-sandbox: (verb, group, resource)."""
    access, found = world.stage.state.access, set()
    check = access.check

    def checked(user: str, asked: Attributes) -> None:
        if asked.group.endswith(".x-k8s.io"):
            found.add((asked.verb, asked.group, asked.resource))
        check(user, asked)

    monkeypatch.setattr(access, "check", checked)
    return found


def _granted() -> set[tuple[str, str, str]]:
    """Return what the example's role grants of these groups."""
    role, _ = manifests.of_kind(manifests.read("examples/agent-sandbox.yaml"), "ClusterRole")
    return {
        (verb, group, resource)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        if group.endswith(".x-k8s.io")
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
