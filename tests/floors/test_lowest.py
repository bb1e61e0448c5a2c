"""The lowest versions of all that users install suffice: a part of the tests, run with them alone."""

import os
import re
from pathlib import Path

import pytest

from memcollect.reporters import json
from test_floors import floors
from worlds.children import run
from worlds.released import LIMIT_SECONDS, ROOT, environment
from worlds.sample_snapshots import snapshot

pytestmark = [pytest.mark.dist, pytest.mark.timeout(2 * LIMIT_SECONDS)]
RUNNERS = ("pytest", "pytest-timeout", "hypothesis")
PARTS = {
    "msgspec": ("agent/test_wire.py", "collector/documents"),
    "waitress": ("agent/serve/test_port.py",),
    "prometheus_client": ("agent/metrics/test_page.py",),
    "click": ("collector/commands/test_options.py",),
    "rich": ("collector/reporters/test_table.py",),
    "kubernetes": ("collector/sources/test_kube_config.py", "collector/sources/test_exec.py"),
    "urllib3": ("collector/sources/test_api.py", "collector/sources/test_timed.py"),
    "psutil": (),
    "pyyaml": ("collector/documents/test_yaml_value.py",),
    "websockets": ("collector/testing/test_server.py",),
    "trustme": ("collector/sources/test_api.py",),
    "pyarrow": (),
}
"""Of each dependency the tests that use it most; of two the program itself, below."""


@pytest.fixture(scope="module")
def lowest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the programs of an environment with the lowest version of each dependency."""
    wanted = [f"{name}=={version}" for name, versions in floors().items() for version in versions]
    # Nothing is built: a version that has no wheel for this Python is none that a user gets.
    return environment(tmp_path_factory.mktemp("lowest"), "--only-binary", ":all:", *wanted, *RUNNERS)


def with_ours() -> dict[str, str]:
    paths = os.pathsep.join(str(ROOT / part) for part in ("agent", "collector"))
    return {**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}


def test_each_dependency_has_tests_that_use_it() -> None:
    assert set(PARTS) == set(floors())


def test_a_part_of_the_tests_passes_with_the_lowest_versions(lowest: Path) -> None:
    parts = sorted({f"tests/{part}" for each in PARTS.values() for part in each})
    done = run(
        [str(lowest / "python"), "-m", "pytest", "-q", "-p", "no:cacheprovider", *parts],
        cwd=ROOT,
        env=with_ours(),
        timeout=LIMIT_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    assert int(passed[1]) > 250


def test_as_many_jobs_as_memory_allows_are_reckoned_with_the_lowest_versions(lowest: Path) -> None:
    asked = "from memcollect.taking.crew import jobs_here; print(jobs_here(1000))"
    done = run([str(lowest / "python"), "-c", asked], env=with_ours(), timeout=LIMIT_SECONDS)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 1


def test_an_archive_is_written_with_the_lowest_versions(lowest: Path, tmp_path: Path) -> None:
    saved = tmp_path / "s.json"
    saved.write_text(json.render(snapshot()))
    command = [
        str(lowest / "python"),
        "-m",
        "memcollect",
        "export",
        str(saved),
        "-o",
        str(tmp_path / "archive"),
    ]
    done = run(command, env=with_ours(), timeout=LIMIT_SECONDS)
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0), done.stderr
    assert len(list((tmp_path / "archive").rglob("*.parquet"))) > 2
