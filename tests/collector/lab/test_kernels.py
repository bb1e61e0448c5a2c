"""Which kernel is found, and what is said when it is not."""

import os
from pathlib import Path

import pytest

from memcollect.lab import kernels
from memcollect.lab.errors import LabError, MissingToolError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEMCOLLECT_LAB_DIR", str(tmp_path))
    return tmp_path / "kernels"


def program(path: Path, release: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {release}\n")
    path.chmod(0o755)
    return path


def test_the_installed_kernel_is_taken_where_no_other_is_named(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(cache.parent / "bin" / "linux.uml", "6.1.176")
    monkeypatch.setenv("PATH", f"{cache.parent / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert kernels.find().release == "6.1.176"
    assert kernels.find("6.1").program == str(cache.parent / "bin" / "linux.uml")
    with pytest.raises(LabError, match=r"fetch it with: python -m memcollect\.lab\.kernels fetch 6\.12"):
        kernels.find("6.12")


def test_a_version_is_compared_by_its_parts(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(cache.parent / "bin" / "linux.uml", "6.12.101")
    monkeypatch.setenv("PATH", f"{cache.parent / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(LabError, match=r"kernel 6\.1 is not here"):
        kernels.find("6.1")


def test_a_fetched_kernel_brings_its_own_libraries(cache: Path) -> None:
    program(cache / "7.2" / "linux.uml", "7.2.7")
    (cache / "7.2" / "modules" / "7.2.7" / "kernel").mkdir(parents=True)
    kernel = kernels.fetch("7.2")
    assert (kernel.release, kernel.directory) == ("7.2.7", str(cache / "7.2"))
    assert kernel.environment == {"LD_LIBRARY_PATH": str(cache / "7.2" / "lib")}
    assert kernel.options == ["seccomp=on"]


def test_without_any_kernel_the_sentence_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "installed", lambda: None)
    with pytest.raises(
        MissingToolError, match=r"linux\.uml is not installed\. On Debian: apt-get install user-mode-linux"
    ):
        kernels.find()


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
