"""The plugin for krew: an archive with kubectl-memcollect, and the manifest that names it by its SHA-256."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import yaml

from release.archives import Member, write_tar_gz
from release.version import Release

BIN = "kubectl-memcollect"
NOWHERE = "https://memcollect.invalid"
"""Where nothing is, by RFC 2606: krew wants an address in a manifest, before it has been published, too."""
PLATFORMS = (("linux", "amd64"), ("linux", "arm64"), ("darwin", "arm64"))


def build(single_file: Path, tree: Path, release: Release, url: str | None, into: Path) -> tuple[Path, Path]:
    """Write archive and manifest into the directory `into` and return them."""
    archive = into / f"{BIN}-{release.semver}.tar.gz"
    members = {
        BIN: Member(single_file.read_bytes(), executable=True),
        "LICENSE": Member((tree / "LICENSE").read_bytes()),
    }
    write_tar_gz(members, release.epoch_seconds, archive)
    manifest = into / "memcollect.yaml"
    manifest.write_text(yaml.safe_dump(_manifest(archive, release, url), sort_keys=False, width=100))
    return archive, manifest


def _manifest(archive: Path, release: Release, url: str | None) -> Mapping[str, object]:
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return {
        "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
        "kind": "Plugin",
        "metadata": {"name": "memcollect"},
        "spec": {
            "version": f"v{release.semver}",
            "homepage": url or NOWHERE,
            "shortDescription": "Says where a pod's memory is and why top differs",
            "description": (
                "Reads cgroup v2 memory and PSS through an agent on each node, joins them with what the "
                "metrics API says, and explains every gap between them to the byte it can prove."
            ),
            "caveats": (
                "It needs python3, 3.11 or later, and memcollect's agents in the cluster: "
                "kubectl memcollect doctor says what is missing."
            ),
            "platforms": [
                {
                    "selector": {"matchLabels": {"os": system, "arch": architecture}},
                    "uri": f"{url or NOWHERE}/releases/download/v{release.semver}/{archive.name}",
                    "sha256": digest,
                    "files": [{"from": name, "to": "."} for name in (BIN, "LICENSE")],
                    "bin": BIN,
                }
                for system, architecture in PLATFORMS
            ],
        },
    }
