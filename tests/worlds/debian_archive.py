"""An archive of Debian's shape in a directory, and an apt that knows of it alone: the real apt, no network.

It holds a user-mode-linux whose "kernel" is a script, and a libc6 of three empty files: enough to be fetched
and put together.
"""

import hashlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from memcollect.lab import kernels
from worlds.children import run

SUITE, RELEASE = "trixie", "6.12.9"
_LIBRARIES = "usr/lib/x86_64-linux-gnu"
_PACKAGES = {
    "user-mode-linux": {
        "usr/bin/linux.uml": f"#!/bin/sh\n# {kernels.LOADER.decode()}\necho {RELEASE}\n",
        f"usr/lib/uml/modules/{RELEASE}/kernel/fs/overlayfs/overlay.ko": "",
    },
    "libc6": {f"{_LIBRARIES}/libc.so.6": "", f"{_LIBRARIES}/ld-linux-x86-64.so.2": ""},
}


def require_apt() -> None:
    """Skip where there is none."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("this machine has no apt, and kernels are fetched by it")


def write_archive(directory: Path, origin: str = "Debian", suite: str = SUITE) -> str:
    """Make an archive, not signed, with the two packages in it; return its address for a source."""
    entries = [_package(directory, name, files) for name, files in _PACKAGES.items()]
    release = directory / "dists" / suite
    index = release / "main" / "binary-amd64" / "Packages"
    index.parent.mkdir(parents=True)
    index.write_text("\n".join(entries))
    (release / "Release").write_text(
        f"Origin: {origin}\nSuite: {suite}\nCodename: {suite}\nComponents: main\nArchitectures: amd64\n"
        f"Date: Sat, 01 Jan 2022 00:00:00 UTC\nSHA256:\n {_sum(index)} main/binary-amd64/Packages\n"
    )
    return f"copy:{directory}"


def use_apt(
    directory: Path, monkeypatch: pytest.MonkeyPatch, sources: Mapping[str, str], settings: str = ""
) -> None:
    """Let apt have these files of sources alone: "sources.list", and others below sources.list.d."""
    parts = directory / "sources.list.d"
    parts.mkdir(parents=True)
    for name, text in sources.items():
        (directory if name == "sources.list" else parts).joinpath(name).write_text(text)
    own = {"sourcelist": directory / "sources.list", "sourceparts": parts}
    lines = [f'Dir::Etc::{name} "{path}";\n' for name, path in own.items()]
    configuration = directory / "apt.conf"
    configuration.write_text("".join(lines) + settings)
    monkeypatch.setenv("APT_CONFIG", str(configuration))


def _package(directory: Path, name: str, files: Mapping[str, str]) -> str:
    tree = directory / "build" / name
    for path, content in files.items():
        file = tree / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    about = f"Package: {name}\nVersion: 1\nArchitecture: amd64\nMaintainer: nobody <nobody@example>\n"
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN" / "control").write_text(f"{about}Description: for tests\n")
    package = directory / "pool" / f"{name}.deb"
    package.parent.mkdir(exist_ok=True)
    run(
        ["dpkg-deb", "--root-owner-group", "-b", tree, package], check=True, env={**os.environ, "LC_ALL": "C"}
    )
    checksum, size = _sum(package).split()
    return f"{about}Filename: pool/{package.name}\nSize: {size}\nSHA256: {checksum}\nDescription: for tests\n"


def _sum(file: Path) -> str:
    content = file.read_bytes()
    return f"{hashlib.sha256(content).hexdigest()} {len(content)}"
