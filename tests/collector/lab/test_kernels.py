"""Which kernel is found, and what is said when it is not."""

import fcntl
import os
import shutil
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from subprocess import PIPE, STDOUT

import pytest

from memcollect.lab import archive, kernels
from memcollect.lab.errors import LabError, NoSpaceError
from worlds.children import Child
from worlds.debian_archive import RELEASE, require_apt, use_apt, write_archive
from worlds.waiting import wait_until


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEMCOLLECT_LAB_DIR", str(tmp_path))
    return tmp_path / "kernels"


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror of Debian with a kernel to fetch, and an apt that knows of no other."""
    require_apt()
    monkeypatch.delenv(archive.MIRROR_VARIABLE, raising=False)
    uri = write_archive(tmp_path / "mirror")
    use_apt(tmp_path / "apt", monkeypatch, {"sources.list": f"deb [trusted=yes] {uri} bookworm main\n"})
    return tmp_path / "mirror"


def program(path: Path, release: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {release}\n")
    path.chmod(0o755)
    return path


@pytest.mark.usefixtures("mirror")
def test_the_installed_kernel_is_taken_where_no_other_is_named(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("6.1.176", cache.parent, monkeypatch)
    assert kernels.provide().release == "6.1.176"
    assert kernels.provide("6.1").program == str(cache.parent / "bin" / "linux.uml")
    assert kernels.provide("6.12").program == str(cache / "6.12" / "linux.uml")


def install(release: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(directory / "bin" / "linux.uml", release)
    monkeypatch.setenv("PATH", f"{directory / 'bin'}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("mirror")
def test_a_version_is_compared_by_its_parts(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install("6.12.101", cache.parent, monkeypatch)
    with pytest.raises(LabError, match=r"no mirror that apt knows gave Debian's bookworm"):
        kernels.provide("6.1")


@pytest.mark.usefixtures("mirror")
def test_where_none_is_installed_and_none_named_the_labs_own_is_fetched(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kernels, "installed", lambda: None)
    monkeypatch.setattr(kernels, "DEFAULT", "6.12")
    assert kernels.provide().program == str(cache / "6.12" / "linux.uml")


def test_a_fetched_kernel_brings_its_own_libraries(cache: Path) -> None:
    program(cache / "7.2" / "linux.uml", "7.2.7")
    (cache / "7.2" / "modules" / "7.2.7" / "kernel").mkdir(parents=True)
    (cache / "7.2" / "lib").mkdir()
    (cache / "7.2" / "lib" / "ld.so").touch()
    kernel = kernels.fetch("7.2")
    assert (kernel.release, kernel.directory) == ("7.2.7", str(cache / "7.2"))
    assert kernel.environment == {"LD_LIBRARY_PATH": str(cache / "7.2" / "lib")}
    assert kernel.options == ["seccomp=on"]


@pytest.mark.usefixtures("mirror")
def test_a_kernel_is_fetched_by_apt_and_put_together(cache: Path) -> None:
    said: list[str] = []
    kernel = kernels.fetch("6.12", said.append)
    assert said == [
        "fetching Linux 6.12 from Debian trixie (once; 512 MiB for a while)",
        "downloading its packages user-mode-linux and libc6",
        "unpacking them",
    ]
    assert (kernel.release, kernel.program) == (RELEASE, str(cache / "6.12" / "linux.uml"))
    assert Path(kernel.module("fs/overlayfs/overlay.ko")).is_file()
    text = Path(kernel.program).read_bytes()
    assert b"lib/ld.so\0" in text
    assert kernels.LOADER not in text
    assert names(cache) == ["6.12", "6.12.lock"]
    assert kernels.fetch("6.12", pytest.fail) == kernel


def names(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir())


@pytest.mark.usefixtures("mirror")
def test_several_that_fetch_one_kernel_at_once_all_get_it_whole(cache: Path) -> None:
    command = [sys.executable, "-m", "memcollect.lab.kernels", "fetch", "6.12"]
    with ExitStack() as stack:
        children = [stack.enter_context(Child(command, stdout=PIPE, stderr=PIPE)) for _ in range(3)]
        ended = [(*child.communicate(), child.wait()) for child in children]
    expected = f"6.12: {RELEASE}, {cache / '6.12' / 'linux.uml'}\n"
    assert [(out, code) for out, _, code in ended] == [(expected, 0)] * 3
    assert "".join(errors for _, errors, _ in ended).count("fetching Linux 6.12") == 1
    assert names(cache) == ["6.12", "6.12.lock"]


@pytest.mark.usefixtures("mirror")
def test_a_fetch_that_waits_says_for_whom(cache: Path) -> None:
    cache.mkdir()
    with (cache / "6.12.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        command = [sys.executable, "-m", "memcollect.lab.kernels", "fetch", "6.12"]
        with Child(command, stdout=PIPE, stderr=STDOUT) as child:
            assert child.line() == "waiting for another program that fetches 6.12"
            held.close()
            assert child.communicate()[0].splitlines()[-1].startswith(f"6.12: {RELEASE}, ")


@pytest.mark.usefixtures("mirror")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_fetch_that_is_interrupted_leaves_nothing(
    number: signal.Signals, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = tmp_path / "begun"
    program(tmp_path / "slow" / "dpkg-deb", f"; touch {begun}; sleep 300")
    monkeypatch.setenv("PATH", f"{tmp_path / 'slow'}{os.pathsep}{os.environ['PATH']}")
    command = [sys.executable, "-m", "memcollect.lab.kernels", "fetch", "6.12"]
    with Child(command, stdout=PIPE, stderr=PIPE, start_new_session=True) as child:
        wait_until(begun.exists)
        os.killpg(child.pid, number)
        _, errors = child.communicate()
        assert child.wait() == 128 + number
    assert "Traceback" not in errors
    assert names(cache) == ["6.12.lock"]


@pytest.mark.usefixtures("mirror")
def test_what_is_left_of_a_fetch_that_was_killed_is_made_anew(cache: Path) -> None:
    (cache / "6.12.part" / "root").mkdir(parents=True)
    (cache / "6.12").mkdir()
    assert kernels.fetch("6.12").release == RELEASE
    assert names(cache) == ["6.12", "6.12.lock"]


@pytest.mark.usefixtures("mirror")
def test_a_mirror_that_now_holds_another_kernel_is_told_and_nothing_is_kept(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(kernels.SUITES, "7.2", "trixie")
    with pytest.raises(LabError, match=rf"Debian's trixie now holds kernel {RELEASE}, not 7\.2"):
        kernels.fetch("7.2")
    assert names(cache) == ["7.2.lock"]


@pytest.mark.usefixtures("cache", "mirror")
def test_a_directory_without_room_is_told_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        shutil, "disk_usage", lambda _path: shutil._ntuple_diskusage(1 << 30, 1 << 30, 1 << 20)
    )
    with pytest.raises(
        NoSpaceError,
        match=r"no room for kernel 6\.12 \(512 MiB\): \S+ has 1 MiB free; set MEMCOLLECT_LAB_DIR",
    ):
        kernels.fetch("6.12")


def test_a_directory_that_cannot_be_written_is_told_with_the_remedy(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.parent.joinpath("file").touch()
    monkeypatch.setenv("MEMCOLLECT_LAB_DIR", str(cache.parent / "file"))
    with pytest.raises(LabError, match=r"cannot be kept in \S+: Not a directory\. Set MEMCOLLECT_LAB_DIR"):
        kernels.fetch("6.12")


def test_a_version_that_no_suite_holds_is_refused(cache: Path) -> None:
    with pytest.raises(LabError, match=r"known: 5\.10, 6\.1, 6\.12, 7\.2"):
        kernels.fetch("4.19")
    assert not cache.exists()


def test_a_module_that_the_kernel_lacks_is_named(tmp_path: Path) -> None:
    kernel = kernels.Kernel(release="6.1", program="linux.uml", modules=str(tmp_path))
    with pytest.raises(LabError, match=r"no module fs/none\.ko"):
        kernel.module("fs/none.ko")


def test_the_command_line_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert kernels.main([]) == 2
    assert "usage:" in capsys.readouterr().err
    assert kernels.main(["fetch", "1.0"]) == 1
    assert "no suite of Debian" in capsys.readouterr().err
