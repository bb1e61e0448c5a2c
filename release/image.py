"""The agent's image, as an archive for a node's containerd, and what is in it."""

import os
import platform
import shutil
from pathlib import Path

from release.programs import run
from release.version import Release


def build(tree: Path, release: Release, url: str | None, scratch: Path, into: Path) -> tuple[Path, Path]:
    """Build it of `tree`, as root; write the archive and its SBOM into the directory `into` and return them.

    Raises ReleaseError with what the build said last where it fails.
    """
    environment = {
        "SOURCE_DATE_EPOCH": str(release.epoch_seconds),
        "REVISION": release.commit,
        "SOURCE": url or "unknown",
    }
    run([tree / "scripts/build-image", scratch], environment=environment)
    archive = into / f"memcollect-agent-{release.semver}.tar"
    bill = into / f"memcollect-agent-{release.semver}.cdx.json"
    shutil.move(scratch / "memcollect-agent.tar", archive)
    shutil.move(scratch / "sbom.cdx.json", bill)
    shutil.rmtree(scratch)
    return archive, bill


def architecture() -> str:
    """Return what images call this machine's kind."""
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def may_be_built() -> bool:
    """Return whether we are root: who else may make a root file system of other users' files."""
    return os.getuid() == 0
