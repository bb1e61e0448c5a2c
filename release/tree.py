"""The tree that a release is made from: one commit's files, stamped with its version and address."""

import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import tomlkit

from release import share
from release.links import for_index
from release.programs import run
from release.version import VERSION_FILE, Release, with_version

_KUSTOMIZATION = Path("deploy/base/kustomization.yaml")


def exported(repository: Path, release: Release, url: str | None, into: Path) -> None:
    """Write the commit's tree to `into`, stamped.

    What differs from the commit: the version, the image's tag, the README's links, the project's addresses,
    and share/ with completions and manual pages, which the wheel brings along.
    """
    into.mkdir()
    archive = into.with_suffix(".tar")
    run(["git", "-C", repository, "archive", "--format=tar", "--output", archive, "HEAD"])
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    archive.unlink()
    _change(into / VERSION_FILE, lambda text: with_version(text, release.pep440))
    _change(
        into / _KUSTOMIZATION, lambda text: re.sub(r"(?m)^( *newTag:).*$", rf"\1 {release.image_tag}", text)
    )
    _change(into / "README.md", lambda text: for_index(text, url, release.commit))
    _change(into / "pyproject.toml", lambda text: _project(text, url))
    share.write(into)


def _change(file: Path, change: Callable[[str], str]) -> None:
    file.write_text(change(file.read_text()))


def _project(text: str, url: str | None) -> str:
    """Return the project's description with its addresses, and with share/ in the wheel."""
    document = tomlkit.parse(text)
    if url is not None:
        document["project"]["urls"] = {
            "Homepage": url,
            "Source": url,
            "Changelog": f"{url}/blob/HEAD/CHANGELOG.md",
            "Issues": f"{url}/issues",
        }
    targets = document["tool"]["hatch"]["build"]["targets"]
    targets["wheel"]["shared-data"] = {"share": "share"}
    targets["sdist"]["include"].append("share")
    dumped: str = tomlkit.dumps(document)
    return dumped
