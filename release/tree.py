"""The tree that a release is made from: one commit's files, stamped with its version and address."""

import re
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import tomlkit

from release.links import for_index
from release.programs import run
from release.version import VERSION_FILE, Release, with_version

COMPLETIONS = {
    "bash": "bash-completion/completions/memcollect",
    "zsh": "zsh/site-functions/_memcollect",
    "fish": "fish/vendor_completions.d/memcollect.fish",
}
"""Where below share/ each shell looks for completions by itself."""
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
    _write_completions(into)
    _write_manual(into)


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


def _write_completions(tree: Path) -> None:
    """Write share/ below `tree`: what each shell asks the program for what may come next with."""
    program = "import sys; from memcollect.__main__ import main; sys.argv[0] = 'memcollect'; main()"
    for shell, place in COMPLETIONS.items():
        script = run(
            [sys.executable, "-c", program],
            environment={**_of(tree), "_MEMCOLLECT_COMPLETE": f"{shell}_source"},
        )
        file = tree / "share" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(script)


def _write_manual(tree: Path) -> None:
    """Write a page of the program and of each command, where man looks below a prefix."""
    run([sys.executable, tree / "scripts/make-man", tree / "share/man/man1"], environment=_of(tree))


def _of(tree: Path) -> dict[str, str]:
    """Return the environment in which Python finds this tree's code, and writes none of its own into it."""
    return {"PYTHONPATH": f"{tree / 'agent'}:{tree / 'collector'}", "PYTHONDONTWRITEBYTECODE": "1"}
