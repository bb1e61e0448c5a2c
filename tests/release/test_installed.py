"""Each artifact put where its users would have it, and used there."""

import hashlib
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Mapping
from email.message import Message
from email.parser import BytesParser
from importlib.metadata import version
from pathlib import Path

import msgspec
import pytest
import yaml

from memcollect.commands import COMMANDS
from release import krew
from release.links import relative_links
from release.share import COMPLETIONS
from worlds import bills
from worlds.children import run
from worlds.released import LIMIT_SECONDS, ROOT, URL, Released, environment, nothing_else
from worlds.sample_snapshots import snapshot

NODE = ROOT / "tests/fixtures/systemd-kernel-7.2"
pytestmark = [pytest.mark.dist, pytest.mark.timeout(2 * LIMIT_SECONDS)]
BUILDERS_OWN = (".dist-info/WHEEL", ".dist-info/RECORD")
"""The first of them names what built it, and the second has its hash."""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of one who has nothing of ours, with a home for what the single file unpacks."""
    return nothing_else(tmp_path_factory.mktemp("bare") / "home")


@pytest.fixture(scope="module")
def programs(released: Released, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel and what its collector needs."""
    return environment(tmp_path_factory.mktemp("env") / "env", f"{released.one('*.whl')}[collector]")


def version_of(released: Released) -> str:
    return released.one("*.whl").name.split("-")[1]


def files_of(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def completed(completions: Path, environment: Mapping[str, str]) -> list[str]:
    """Return what bash offers behind "memcollect snap" with these."""
    script = (
        f". {completions}; COMP_WORDS=(memcollect snap) COMP_CWORD=1;"
        '_memcollect_completion memcollect; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    return run(["bash", "-c", script], env=dict(environment), check=True).stdout.split()


def metadata(released: Released) -> Message:
    (name,) = [name for name in files_of(released.one("*.whl")) if name.endswith(".dist-info/METADATA")]
    return BytesParser().parsebytes(files_of(released.one("*.whl"))[name])


def test_every_file_is_in_the_sums_and_on_the_page(released: Released) -> None:
    done = run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=released.directory)
    assert (done.returncode, done.stderr) == (0, "")
    named = {line.split(": ")[0] for line in done.stdout.splitlines()}
    assert {each.name for each in released.directory.iterdir()} == named | {"SHA256SUMS", "RELEASE.md"}
    page = (released.directory / "RELEASE.md").read_text()
    for name in named:
        assert (
            f": {name}\n\nSHA-256 `{hashlib.sha256((released.directory / name).read_bytes()).hexdigest()}`"
            in page
        )


def test_an_index_shows_the_readme_with_links_that_lead_somewhere(released: Released) -> None:
    shown = metadata(released)
    text = shown.get_payload()
    assert isinstance(text, str)
    assert relative_links(text) == []
    assert f"]({URL}/blob/" in text
    assert shown.get_all("Project-URL") == [
        f"Homepage, {URL}",
        f"Source, {URL}",
        f"Changelog, {URL}/blob/HEAD/CHANGELOG.md",
        f"Issues, {URL}/issues",
    ]


def test_the_wheel_runs_under_both_names(
    programs: Path, released: Released, bare: dict[str, str], tmp_path: Path
) -> None:
    assert (
        run([programs / "memcollect", "--version"], env=bare).stdout == f"memcollect {version_of(released)}\n"
    )
    assert "Usage: kubectl memcollect" in run([programs / "kubectl-memcollect", "--help"], env=bare).stdout
    saved = tmp_path / "saved.json"
    saved.write_bytes(msgspec.json.encode(snapshot()))
    explained = run([programs / "memcollect", "explain", saved], env=bare)
    assert explained.returncode == 0, explained.stderr
    assert "deer-flow/deer-flow-sandbox" in explained.stdout


def test_bash_completes_a_command_by_what_the_wheel_installed(programs: Path, bare: dict[str, str]) -> None:
    installed = programs.parent / "share" / COMPLETIONS["bash"]
    assert completed(installed, {**bare, "PATH": f"{programs}:{bare['PATH']}"}) == ["snapshot"]


def test_man_finds_a_page_of_each_command_beside_the_programs(programs: Path, released: Released) -> None:
    pages = {
        page.stem: page.read_text() for page in (programs.parent / "share/man/man1").glob("memcollect*.1")
    }
    assert set(pages) == {"memcollect", *(f"memcollect-{name}" for name in COMMANDS)}
    version = version_of(released)
    assert all(f'"memcollect {version}"' in text.splitlines()[0] for text in pages.values())


def test_the_single_file_brings_completions_and_manual_pages_to_unpack(
    released: Released, programs: Path, tmp_path: Path
) -> None:
    """The same that the wheel installs, and completing by the file itself."""
    share = {
        name.removeprefix("share/"): content
        for name, content in files_of(released.one("memcollect.pyz")).items()
        if name.startswith("share/")
    }
    assert {name: (programs.parent / "share" / name).read_bytes() for name in share} == share
    assert len(share) == len(COMPLETIONS) + len(COMMANDS) + 1
    own = tmp_path / "bin"
    own.mkdir()
    (own / "memcollect").symlink_to(released.one("memcollect.pyz"))
    bare = nothing_else(tmp_path / "home")
    environment = {**bare, "PATH": f"{own}:{Path(sys.executable).parent}:{bare['PATH']}"}
    (tmp_path / "completions").write_bytes(share[COMPLETIONS["bash"]])
    assert completed(tmp_path / "completions", environment) == ["snapshot"]


def test_the_sdist_builds_to_the_same_wheel(released: Released, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path)]
    done = run([*pip, released.one("memcollect-*.tar.gz")], timeout=LIMIT_SECONDS)
    assert done.returncode == 0, done.stderr
    (built,) = tmp_path.glob("*.whl")
    ours, theirs = files_of(released.one("*.whl")), files_of(built)
    assert ours.keys() == theirs.keys()
    differing = [name for name in ours if ours[name] != theirs[name]]
    assert [name for name in differing if not name.endswith(BUILDERS_OWN)] == []


def test_the_single_file_measures_and_explains_on_a_bare_python(
    released: Released, bare: dict[str, str], tmp_path: Path
) -> None:
    words = [sys.executable, "-S", str(released.one("memcollect.pyz"))]
    said = run([*words, "--version"], env=bare)
    assert (said.stdout, said.stderr) == (f"memcollect {version_of(released)}\n", "")
    roots = [f"--proc-root={NODE}/proc", f"--cgroup-root={NODE}/sys/fs/cgroup", f"--sys-root={NODE}/sys"]
    taken = run([*words, "snapshot", "--local", *roots, "--format=json", "-o", tmp_path / "a.json"], env=bare)
    assert taken.returncode == 0, taken.stderr
    explained = run([*words, "explain", tmp_path / "a.json", "--format=markdown"], env=bare)
    assert (explained.returncode, explained.stderr) == (0, "")
    assert "- Pods: 4 of 4 pods measured\n" in explained.stdout


def test_the_single_file_reaches_for_a_cluster(released: Released, bare: dict[str, str]) -> None:
    done = run([sys.executable, released.one("memcollect.pyz"), "doctor"], env=bare)
    assert done.returncode == 1, done.stderr
    assert "There is no kubeconfig at ~/.kube/config" in done.stdout


def test_the_plugin_is_installed_as_krew_would_and_kubectl_runs_it(
    released: Released, bare: dict[str, str], tmp_path: Path
) -> None:
    manifest = yaml.safe_load(released.one("memcollect.yaml").read_text())
    assert manifest["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2"
    platforms = {
        (each["selector"]["matchLabels"]["os"], each["selector"]["matchLabels"]["arch"]): each
        for each in manifest["spec"]["platforms"]
    }
    assert set(platforms) == set(krew.PLATFORMS)
    platform = platforms["linux", "amd64"]
    archive = released.directory / platform["uri"].rsplit("/", 1)[1]
    assert platform["uri"].startswith(f"{URL}/releases/download/{manifest['spec']['version']}/")
    assert platform["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "unpacked", filter="data")
    (tmp_path / "bin").mkdir()
    for each in platform["files"]:
        (tmp_path / "unpacked" / each["from"]).rename(tmp_path / each["to"] / each["from"])
    (tmp_path / "bin/kubectl-memcollect").symlink_to(tmp_path / platform["bin"])
    path = f"{tmp_path / 'bin'}:{Path(sys.executable).parent}:{bare['PATH']}"
    done = run(["kubectl", "memcollect", "--help"], env={**bare, "PATH": path})
    assert "Usage: kubectl memcollect" in done.stdout, done.stderr


def test_the_bill_of_the_single_file_names_all_that_is_in_it_and_the_files_that_carry_it(
    released: Released,
) -> None:
    (file,) = [each for each in released.directory.glob("*.cdx.json") if "agent" not in each.name]
    assert bills.fault(file.read_text()) is None
    bill = json.loads(file.read_text())
    described = [
        BytesParser().parsebytes(content)
        for name, content in files_of(released.one("memcollect.pyz")).items()
        if re.fullmatch(r"site-packages/[^/]+\.dist-info/METADATA", name)
    ]
    held = {(each["Name"].lower().replace("_", "-"), each["Version"]) for each in described}
    named = {(each["name"], each["version"]) for each in bill["components"]}
    assert held == (named - {("shiv", version("shiv"))}) | {("memcollect", version_of(released))}
    assert len(held) > 10
    subject = bill["metadata"]["component"]
    assert (subject["name"], subject["version"]) == ("memcollect", version_of(released))
    carried = {each["name"]: each["hashes"][0]["content"] for each in subject["components"]}
    sums = dict(
        line.split("  ")[::-1] for line in (released.directory / "SHA256SUMS").read_text().splitlines()
    )
    assert carried == {name: sums[name] for name in carried}
    assert {Path(name).suffix for name in carried} == {".whl", ".gz", ".pyz"}
