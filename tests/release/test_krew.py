"""The plugin's manifest by the rules that krew itself refuses one by.

They are those of `validate-krew-manifest` (kubernetes-sigs/krew: internal/index/validation/validate.go and
cmd/validate-krew-manifest/main.go), told anew; its YAML reader ignores fields that it does not know.
"""

import hashlib
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.version import Version

from release import krew
from release.version import Release, semver

SUPPORTED = {
    *(("windows", each) for each in ("386", "amd64", "arm64")),
    *(("linux", each) for each in ("386", "amd64", "arm", "arm64", "ppc64le")),
    *(("darwin", each) for each in ("386", "amd64", "arm64")),
}
SEMVER = re.compile(r"v\d+\.\d+\.\d+(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?")


@pytest.fixture(params=["0.2.0", "0.2.0rc1", "0.2.0.dev12+g0123456789ab"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Path]:
    """The archive and the manifest of a version."""
    (tmp_path / "LICENSE").write_text("words")
    (tmp_path / "memcollect.pyz").write_bytes(b"#!/usr/bin/env python3\n")
    version = Version(request.param)
    release = Release(
        commit="0" * 40, epoch_seconds=1_700_000_000, pep440=str(version), semver=semver(version)
    )
    return krew.build(tmp_path / "memcollect.pyz", tmp_path, release, "https://forge.example/o/r", tmp_path)


def manifest(made: tuple[Path, Path]) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(made[1].read_text())
    return document


def test_it_is_a_plugin_named_as_its_file(made: tuple[Path, Path]) -> None:
    document = manifest(made)
    assert document["apiVersion"] == "krew.googlecontainertools.github.com/v1alpha2"
    assert document["kind"] == "Plugin"
    assert re.fullmatch(r"[\w-]+", document["metadata"]["name"])
    assert made[1].name == f"{document['metadata']['name']}.yaml"


def test_its_version_is_semantic_and_its_description_one_short_line(made: tuple[Path, Path]) -> None:
    spec = manifest(made)["spec"]
    assert SEMVER.fullmatch(spec["version"])
    assert 0 < len(spec["shortDescription"]) <= 50
    assert "\n" not in spec["shortDescription"]


def test_each_platform_is_one_that_krew_knows_and_none_is_there_twice(made: tuple[Path, Path]) -> None:
    selectors = [each["selector"]["matchLabels"] for each in manifest(made)["spec"]["platforms"]]
    assert all(each.keys() == {"os", "arch"} for each in selectors)
    named = [(each["os"], each["arch"]) for each in selectors]
    assert set(named) <= SUPPORTED
    assert len(set(named)) == len(named) > 0


def test_each_platform_has_what_is_fetched_checked_and_linked(made: tuple[Path, Path]) -> None:
    archive = made[0]
    with tarfile.open(archive) as tar:
        held = {each.name: each for each in tar}
    for platform in manifest(made)["spec"]["platforms"]:
        assert platform["uri"].endswith(f"/{archive.name}")
        assert platform["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
        assert all(each["from"] in held and each["to"] for each in platform["files"])
        assert {each["from"] for each in platform["files"]} == {platform["bin"], "LICENSE"}
        assert held[platform["bin"]].mode & 0o111
