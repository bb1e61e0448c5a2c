"""The sdist and the wheel, as an index would take them."""

import sys
from pathlib import Path

from release.programs import ReleaseError, run


def build(tree: Path, epoch_seconds: int, into: Path) -> tuple[Path, Path]:
    """Make both and return them, the sdist first.

    By the build tools that the image's lock names, and of the commit's time, so that the same commit always
    gives the same bytes. Raises ReleaseError where an index would refuse one.
    """
    environment = tree.parent / "build-tools"
    python = environment / "bin/python"
    run([sys.executable, "-m", "venv", environment])
    lock = tree / "deploy/image/build.lock"
    run([python, "-m", "pip", "install", "--quiet", "--require-hashes", "--only-binary=:all:", "-r", lock])
    run(
        [python, "-m", "hatchling", "build", "--directory", into],
        directory=tree,
        environment={"SOURCE_DATE_EPOCH": str(epoch_seconds)},
    )
    (sdist,) = into.glob("*.tar.gz")
    (wheel,) = into.glob("*.whl")
    said = run([sys.executable, "-m", "twine", "check", "--strict", sdist, wheel])
    if said.count("PASSED") != 2:
        raise ReleaseError(f"an index would refuse them: {said.strip()}")
    return sdist, wheel
