"""RELEASE.md and SHA256SUMS: what there is, and how to verify and install each of it."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from release.order import Order

SUMS = "SHA256SUMS"
_VERIFY = """\
## Verify

That nothing was changed on its way, in the directory with the files:

    sha256sum --check {sums}

`{sums}` is only as good as the place you have it from: who publishes it signs it there. That the files
were made from this commit: make them again and compare, on the same kind of machine with the same Python.

    git checkout {commit}
    make dist INTO=again{options} && diff {sums} again/{sums}
"""
_WITHOUT_IMAGE = """\
The agent's image is not among these files: it was to be left out (`IMAGE=no`). `make image` builds it.
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


def digest(file: Path) -> str:
    """Return its SHA-256."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def write(artifacts: Iterable[Artifact], order: Order, into: Path) -> None:
    """Write both into the directory `into`, where the artifacts are."""
    release = order.release
    artifacts = list(artifacts)
    sums = {each.file.name: digest(each.file) for each in artifacts}
    (into / SUMS).write_text("".join(f"{sum_}  {name}\n" for name, sum_ in sorted(sums.items())))
    again = _VERIFY.format(sums=SUMS, commit=release.commit, options=_options(order))
    parts = [
        f"# memcollect {release.pep440}\n\nMade from commit `{release.commit}`.\n",
        again,
        *([] if order.url else [_NOWHERE]),
        *([] if order.with_image else [_WITHOUT_IMAGE]),
        *(_section(each, sums[each.file.name]) for each in artifacts),
    ]
    (into / "RELEASE.md").write_text("\n".join(parts))


def _options(order: Order) -> str:
    """Return what `make dist` was told, to be told again."""
    return (f" URL={order.url}" if order.url else "") + ("" if order.with_image else " IMAGE=no")


def _section(artifact: Artifact, sum_: str) -> str:
    commands = "".join(f"    {line}\n" for line in artifact.commands)
    note = f"\n{artifact.note}\n" if artifact.note else ""
    return f"## {artifact.title}: {artifact.file.name}\n\nSHA-256 `{sum_}`\n\n{commands}{note}"
