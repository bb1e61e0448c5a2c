"""Kernels come from the mirror that this machine's own apt uses: asked of the real apt, without a network."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from memcollect.lab import archive
from memcollect.lab.apt_sources import KEYRING
from memcollect.lab.errors import LabError
from worlds.children import run
from worlds.debian_archive import SUITE, require_apt, use_apt, write_archive

ROOT = Path(__file__).parents[3]


@pytest.fixture(autouse=True)
def _apt(monkeypatch: pytest.MonkeyPatch) -> None:
    require_apt()
    monkeypatch.delenv(archive.MIRROR_VARIABLE, raising=False)


@pytest.fixture
def mirror(tmp_path: Path) -> str:
    return write_archive(tmp_path / "mirror")


def stanza(uri: str, *more: str) -> str:
    fields = ["Types: deb", f"URIs: {uri}", "Suites: bookworm", "Components: main", "Trusted: yes", *more]
    return "".join(f"{field}\n" for field in fields)


def chosen(tmp_path: Path, suite: str = SUITE) -> str:
    directory = tmp_path / "chosen"
    directory.mkdir()
    return archive.source_of(suite, directory).read_text()


def test_the_mirror_of_a_deb822_file_serves_another_release_under_the_same_trust(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: str
) -> None:
    use_apt(tmp_path, monkeypatch, {"debian.sources": stanza(mirror)})
    assert chosen(tmp_path) == (
        f"Types: deb\nURIs: {mirror}\nSuites: {SUITE}\nComponents: main\nTrusted: yes\n"
    )


@pytest.mark.parametrize("file", ["sources.list", "ours.list"])
def test_the_mirror_of_a_one_line_file_does_it_as_well(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: str
) -> None:
    use_apt(tmp_path, monkeypatch, {file: f"deb [arch=amd64 trusted=yes] {mirror} bookworm main\n"})
    assert chosen(tmp_path).splitlines() == [
        *("Types: deb", f"URIs: {mirror}", f"Suites: {SUITE}", "Components: main", "Trusted: yes")
    ]


def test_a_signature_that_a_source_asks_for_is_asked_for_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: str
) -> None:
    use_apt(tmp_path, monkeypatch, {"sources.list": f"deb [signed-by={KEYRING}] {mirror} bookworm main\n"})
    with pytest.raises(LabError, match=r"gave Debian's trixie \(copy:\S+: is not signed\)"):
        chosen(tmp_path)


def test_a_vendors_archive_with_a_suite_of_that_name_does_not_stand_for_debians(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: str
) -> None:
    vendor = write_archive(tmp_path / "vendor", origin="Vendor")
    use_apt(tmp_path, monkeypatch, {"a.sources": stanza(vendor), "b.sources": stanza(mirror)})
    assert f"URIs: {mirror}\n" in chosen(tmp_path)


def test_a_mirror_that_lacks_the_release_gives_way_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: str
) -> None:
    (tmp_path / "empty").mkdir()
    use_apt(
        tmp_path, monkeypatch, {"a.sources": stanza(f"copy:{tmp_path}/empty"), "b.sources": stanza(mirror)}
    )
    assert f"URIs: {mirror}\n" in chosen(tmp_path)


def test_the_machines_own_hooks_are_not_run_for_a_download_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: str
) -> None:
    hooks = "".join(
        f'APT::Update::{when} {{ "echo {when} >> {tmp_path}/hooks; exit 1"; }};\n'
        for when in ("Pre-Invoke", "Post-Invoke", "Post-Invoke-Success")
    )
    use_apt(tmp_path, monkeypatch, {"debian.sources": stanza(mirror)}, hooks)
    assert f"URIs: {mirror}\n" in chosen(tmp_path)
    assert not (tmp_path / "hooks").exists()


def test_without_a_network_the_sentence_says_where_to_look_and_hides_passwords(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_apt(
        tmp_path, monkeypatch, {"debian.sources": stanza("http://me:secret@127.0.0.1:1/debian")}, _NO_RETRY
    )
    with pytest.raises(LabError) as refused:
        chosen(tmp_path)
    assert "http://127.0.0.1:1/debian: Could not connect to 127.0.0.1:1" in refused.value.sentence
    assert "secret" not in str(refused.value)
    assert refused.value.remedy.startswith("Look at apt's network, proxy and sources, or set")


_NO_RETRY = 'Acquire::Retries "0";\n'


def test_sources_without_a_release_of_debian_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_apt(
        tmp_path, monkeypatch, {"ubuntu.sources": stanza("http://a.example").replace("bookworm", "noble")}
    )
    with pytest.raises(LabError, match=r"no archive of a Debian release \(\S+/ubuntu\.sources\)\. Add one"):
        chosen(tmp_path)


def test_a_mirror_of_ones_own_is_named_by_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: str
) -> None:
    use_apt(tmp_path, monkeypatch, {}, _NO_RETRY)
    monkeypatch.setenv(archive.MIRROR_VARIABLE, mirror)
    with pytest.raises(LabError, match="is not signed"):
        chosen(tmp_path)


def test_without_apt_the_sentence_says_what_to_run_it_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"apt-get, which this machine does not have\. Run the lab on Debian"):
        archive.source_of(SUITE, tmp_path)


def test_it_runs_where_nothing_but_python_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mirror: str
) -> None:
    use_apt(tmp_path, monkeypatch, {"debian.sources": stanza(mirror)})
    done = bare(SUITE)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"URIs: {mirror}\n" in done.stdout
    assert bare().returncode == 2
    failed = bare("bullseye")
    assert failed.returncode == 1
    assert failed.stderr.startswith("no mirror that apt knows gave Debian's bullseye (")
    assert "it has no such release" in failed.stderr


def bare(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run it without any installed package."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "collector")}
    return run([sys.executable, "-S", "-m", "memcollect.lab.archive", *arguments], env=environment)


@pytest.mark.parametrize(
    ("errors", "reason"),
    [
        (
            "W: careful\nE: Failed to fetch http://a.example/sid/InRelease  Could not resolve 'a.example'\n",
            "Could not resolve 'a.example'",
        ),
        ("E: The repository 'http://a.example sid Release' is not signed.\n", "is not signed"),
        ("", "apt-get failed and did not say why"),
    ],
)
def test_apts_own_reason_is_given_without_the_address_beside_it(errors: str, reason: str) -> None:
    assert archive.reason_of(errors) == reason
