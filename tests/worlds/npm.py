"""Packages of npm that tests run or read, at the versions that a package.json of ours names."""

import shutil
from pathlib import Path

from worlds import children

INSTALL_SECONDS = 600.0
NEEDED = "scripts/debian-packages browser installs it"


class NotHere(Exception):  # noqa: N818 -- no fault: who has no npm may go without
    """A program or a package is missing, and why."""


def program(name: str) -> str:
    """Return where a program is, or say what installs it."""
    path = shutil.which(name)
    if path is None:
        raise NotHere(f"{name} is not here: {NEEDED}")
    return path


def install(asked: Path, into: Path) -> None:
    """Have in `into` what the package.json `asked` names, unless it is there already."""
    npm = program("npm")
    into.mkdir(parents=True, exist_ok=True)
    there = into / "package.json"
    if (into / "node_modules").is_dir() and there.is_file() and there.read_text() == asked.read_text():
        return
    there.write_text(asked.read_text())
    quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", "--loglevel=error"]
    installed = children.run([npm, "install", *quiet], cwd=into, timeout=INSTALL_SECONDS)
    if installed.returncode:
        there.unlink()
        raise NotHere(
            f"npm could not install what {asked.parent.name} needs: {installed.stderr.strip()[-500:]}"
        )
