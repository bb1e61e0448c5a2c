"""No file of the project names the host of a package archive: each machine's own configuration does."""

import re
import subprocess
from pathlib import Path

import pytest

from worlds.children import run

ROOT = Path(__file__).parents[1]
OWNERS = {
    "org": ["debian", "pypi", "pythonhosted", "fedoraproject", "archlinux", "kernel", "npmjs"],
    "com": ["ubuntu", "nodesource", "docker"],
    "io": ["crates"],
}
"""By the last part, so that no name stands here as a whole."""
HOST = re.compile(
    "|".join(rf"\b(?:{'|'.join(owners)})\.{last}\b" for last, owners in OWNERS.items()).encode()
)


def files() -> list[Path]:
    """Return what is kept in the repository, and what is new in the work tree."""
    try:
        listed = run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=ROOT, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no git here to say which files are the project's: {error}")
    return [file for name in listed.split("\0") if name and (file := ROOT / name).is_file()]


def test_no_file_names_the_host_of_a_package_archive() -> None:
    found = {
        str(file.relative_to(ROOT)): hosts
        for file in files()
        if (hosts := {host.decode() for host in HOST.findall(file.read_bytes())})
    }
    assert found == {}


def test_the_test_would_find_one() -> None:
    last = "org"
    assert HOST.findall(f"http://deb.debian.{last}/debian".encode())
    assert HOST.findall(f"pypi.{last}".encode())
    assert not HOST.findall(b"debian.sources")
