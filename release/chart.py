"""The Helm chart: deploy/chart around what kustomize prints of deploy/base and its overlays."""

import sys
from pathlib import Path

import yaml

from release.archives import Member, write_tar_gz
from release.programs import run
from release.version import Release

NAME = "memcollect-agent"
OLDEST_KUBERNETES = ">= 1.24.0-0"
"""With the overlay for those before 1.30."""


def build(tree: Path, release: Release, url: str | None, into: Path) -> Path:
    """Write the chart's archive into the directory `into` and return it."""
    members = {
        f"{NAME}/{file.relative_to(tree / 'deploy/chart')}": Member(file.read_bytes())
        for file in (tree / "deploy/chart").rglob("*")
        if file.is_file()
    }
    for name, text in manifests(tree / "deploy").items():
        members[f"{NAME}/manifests/{name}.yaml"] = Member(text.encode())
    members[f"{NAME}/Chart.yaml"] = Member(
        yaml.safe_dump(_description(release, url), sort_keys=False).encode()
    )
    members[f"{NAME}/LICENSE"] = Member((tree / "LICENSE").read_bytes())
    archive = into / f"{NAME}-{release.semver}.tgz"
    write_tar_gz(members, release.epoch_seconds, archive)
    return archive


def manifests(deploy: Path) -> dict[str, str]:
    """Return all objects as `kubectl kustomize` prints them, by the name of the overlay or "base"."""
    overlays = {each.name: each for each in sorted((deploy / "overlays").iterdir())}
    kubectl = Path(sys.executable).with_name("kubectl")
    return {
        name: run([kubectl, "kustomize", path])
        for name, path in {"base": deploy / "base", **overlays}.items()
    }


def _description(release: Release, url: str | None) -> dict[str, object]:
    return {
        "apiVersion": "v2",
        "name": NAME,
        "description": "The agent that measures the memory of a node's pods; it only reads",
        "type": "application",
        "version": release.semver,
        "appVersion": release.image_tag,
        "kubeVersion": OLDEST_KUBERNETES,
        "keywords": ["memory", "cgroup", "pss", "kubectl-top"],
        **({"home": url, "sources": [url]} if url else {}),
    }
