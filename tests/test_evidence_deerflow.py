"""`scripts/evidence-deerflow` on a checkout whose provider is one of ours."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from worlds.children import run

ROOT = Path(__file__).parents[1]
FAKE = ROOT / "tests" / "worlds" / "fake_deerflow" / "deerflow"
PROVIDER = Path("sandbox") / "sandbox_provider.py"
KEEPS_ITS_CONFIGURATION = """
Path(os.environ["FAKE_DEERFLOW"], "config").write_text(Path(os.environ["DEER_FLOW_CONFIG_PATH"]).read_text())
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "checkout" / "backend" / "packages" / "harness" / "deerflow"
    shutil.copytree(FAKE, package, ignore=shutil.ignore_patterns("__pycache__"))
    with (package / PROVIDER).open("a") as stream:
        stream.write(KEEPS_ITS_CONFIGURATION)
    (tmp_path / "data").mkdir()
    for name in ("DEER_FLOW_CONFIG_PATH", "GATEWAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.setenv("PYTHON", sys.executable)
    monkeypatch.setenv("FAKE_DEERFLOW", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "checkout"


def script(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    return run([sys.executable, ROOT / "scripts" / "evidence-deerflow", *words])


def found() -> dict[str, str]:
    document = json.loads(Path("evidence-deerflow/evidence/evidence.json").read_bytes())
    return {c["name"]: c["verdict"] for row in document["rows"] for c in row["checks"]}


def test_the_local_provider_is_tried_without_a_cluster_and_ends_with_it(checkout: Path) -> None:
    done = script(checkout, "--rows", "paths,uploads")
    assert done.returncode == 3, done.stderr
    assert "deerflow: driver deerflow" in done.stdout
    assert found()["workspace"] == "as-expected"
    assert "no gateway is given" in done.stdout
    assert "deerflow.sandbox.local:LocalSandboxProvider" in Path("data/config").read_text()
    assert Path("data/shut-down").exists()


def test_a_configuration_that_is_given_is_the_one_that_is_tried(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("own.yaml").write_text("mine")
    monkeypatch.setenv("DEER_FLOW_CONFIG_PATH", "own.yaml")
    assert script(checkout, "--rows", "paths").returncode in {0, 3}
    assert Path("data/config").read_text() == "mine"


def test_what_is_no_checkout_or_has_no_environment_is_one_sentence(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = script("data")
    assert (done.returncode, done.stderr) == (
        2,
        "memcollect: data is no checkout of DeerFlow. Clone it, and name its directory.\n",
    )
    monkeypatch.delenv("PYTHON")
    done = script(checkout)
    assert done.returncode == 2
    assert "Run `uv sync` in" in done.stderr
    assert done.stderr.count("\n") == 1
