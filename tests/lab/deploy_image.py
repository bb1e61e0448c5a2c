"""The image for the lab: built once by the Dockerfile, kept as a directory."""

import json
import os
from pathlib import Path

from msgspec import Struct

from lab.deploy_bundle import Json
from memcollect.lab.errors import LabError
from worlds import children

PROJECT = Path(__file__).parents[2]
SECCOMP = Path("/usr/share/containers/seccomp.json")
"""The default profile of CRI-O and Podman, and but for its age containerd's; of containers-common."""

BUILD_SECONDS = 1500.0
"""It takes two minutes where nothing else runs, with the base image yet to be made."""


class Image(Struct, frozen=True, kw_only=True):
    """An image unpacked."""

    rootfs: Path
    config: Json
    """Its own: entry point, environment, user, labels."""
    compressed_bytes: int


def build(directory: Path) -> Image:
    """Build it below `directory`, or take the one that MEMCOLLECT_IMAGE names. Raises LabError."""
    kept = os.environ.get("MEMCOLLECT_IMAGE")
    place = Path(kept) if kept else directory / "image"
    if not kept:
        if os.getuid() != 0:
            raise LabError(
                "only root can build an image here (make image); MEMCOLLECT_IMAGE may name a built one"
            )
        done = children.run([PROJECT / "scripts/build-image", place], timeout=BUILD_SECONDS)
        if done.returncode != 0:
            raise LabError(f"the image was not built: {done.stderr.strip()[-2000:]}")
    return Image(
        rootfs=place / "rootfs",
        config=json.loads((place / "config.json").read_text())["config"],
        compressed_bytes=sum(file.stat().st_size for file in (place / "image/blobs").rglob("*")),
    )


def seccomp_profile() -> Json:
    """Return the profile that RuntimeDefault means. Raises LabError without it."""
    if not SECCOMP.exists():
        raise LabError(f"{SECCOMP} is not here; on Debian: apt-get install golang-github-containers-common")
    profile: Json = json.loads(SECCOMP.read_text())
    return profile
