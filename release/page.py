"""RELEASE.md and SHA256SUMS: what there is, and how to verify and install each of it."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from release.version import Release

SUMS = "SHA256SUMS"
_VERIFY = """\
## Verify

That nothing was changed on its way, in the directory with the files:

    sha256sum --check {sums}

`{sums}` is only as good as the place you have it from: who publishes it signs it there. That the files
were made from this commit: make them again and compare, on the same kind of machine with the same Python.

    git checkout {commit}
    make dist INTO=again{url} && diff {sums} again/{sums}
"""
_NOWHERE = """\
No address of the repository was given (`make dist URL=https://HOST/OWNER/NAME`): links into it are left out.
"""


class Artifact(Struct, frozen=True, kw_only=True):
    """One file of a release."""

    file: Path
    title: str
    commands: tuple[str, ...]
    """How to install or read it, in the directory that it lies in."""
    note: str = ""


def write(artifacts: Iterable[Artifact], release: Release, url: str | None, into: Path) -> None:
    """Write both into the directory `into`, where the artifacts are."""
    artifacts = list(artifacts)
    sums = {each.file.name: hashlib.sha256(each.file.read_bytes()).hexdigest() for each in artifacts}
    (into / SUMS).write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())))
    again = _VERIFY.format(sums=SUMS, commit=release.commit, url=f" URL={url}" if url else "")
    parts = [
        f"# memcollect {release.pep440}\n\nMade from commit `{release.commit}`.\n",
        again,
        *([] if url else [_NOWHERE]),
        *(_section(each, sums[each.file.name]) for each in artifacts),
    ]
    (into / "RELEASE.md").write_text("\n".join(parts))


def _section(artifact: Artifact, digest: str) -> str:
    commands = "".join(f"    {line}\n" for line in artifact.commands)
    note = f"\n{artifact.note}\n" if artifact.note else ""
    return f"## {artifact.title}: {artifact.file.name}\n\nSHA-256 `{digest}`\n\n{commands}{note}"
