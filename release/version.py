"""The version of a commit: of its tag where it has one, and otherwise of the work towards the next."""

import re
from pathlib import Path

from msgspec import Struct
from packaging.version import InvalidVersion, Version

from release.programs import ReleaseError, run

VERSION_FILE = Path("agent/memcollect_agent/__init__.py")
_ASSIGNMENT = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)


class Release(Struct, frozen=True, kw_only=True):
    """One commit and what it is called in the spellings of those who carry it."""

    commit: str
    """Its whole hash."""
    epoch_seconds: int
    """When it was committed: the time of every file in every artifact."""
    pep440: str
    """For Python: 0.1.0, 0.2.0rc1, 0.2.0.dev12+g0123456789ab."""
    semver: str
    """For Helm and krew: 0.1.0, 0.2.0-rc.1, 0.2.0-dev.12+g0123456789ab."""

    @property
    def image_tag(self) -> str:
        """The same for a registry, which has no plus sign."""
        return self.semver.replace("+", "-")


def release_of(repository: Path) -> Release:
    """Return what the checked-out commit is called.

    A commit with a tag like v0.2.0 is that version, which the code must call itself, too. Any other is on the
    way to the version that the code names: so many commits after the tag before it.

    Raises ReleaseError where there is no repository of git, or tag and code disagree.
    """
    if not (repository / ".git").exists():
        raise ReleaseError(f"{repository} is no clone of a git repository, so nothing says what is released")
    commit = _git(repository, "rev-parse", "HEAD")
    named = version_in((repository / VERSION_FILE).read_text())
    tags = [tag for tag in _git(repository, "tag", "--points-at", "HEAD").split() if _is_version(tag)]
    if len(tags) > 1:
        raise ReleaseError(f"the commit has {len(tags)} tags, {', '.join(tags)}: leave one (git tag -d)")
    if tags:
        version = Version(tags[0])
        if version != Version(named):
            raise ReleaseError(
                f"the tag is {tags[0]} and {VERSION_FILE} says {named}: say the same in both, and tag again"
            )
    else:
        version = Version(f"{Version(named).base_version}.dev{_distance(repository)}+g{commit[:12]}")
    return Release(
        commit=commit,
        epoch_seconds=int(_git(repository, "show", "--no-patch", "--format=%ct", "HEAD")),
        pep440=str(version),
        semver=semver(version),
    )


def version_in(code: str) -> str:
    """Return the version that the package's code names. Raises ReleaseError where it names none."""
    found = _ASSIGNMENT.search(code)
    if found is None:
        raise ReleaseError(f'{VERSION_FILE} has no line __version__ = "…"')
    return found[1]


def with_version(code: str, pep440: str) -> str:
    """Return the package's code naming this version."""
    return _ASSIGNMENT.sub(f'__version__ = "{pep440}"', code)


def semver(version: Version) -> str:
    """Spell a version as semver.org has it.

    Raises ReleaseError for what that has not: epochs, post-releases, a fourth number.
    """
    if version.epoch or version.post is not None or len(version.release) > 3:
        raise ReleaseError(
            f"the version {version} has no counterpart in semantic versioning, which Helm asks for"
        )
    release = [*version.release, 0, 0][:3]
    parts = [str(part) for part in version.pre or ()]
    if version.dev is not None:
        parts += ["dev", str(version.dev)]
    return (
        ".".join(map(str, release))
        + (f"-{'.'.join(parts)}" if parts else "")
        + (f"+{version.local}" if version.local else "")
    )


def _is_version(tag: str) -> bool:
    try:
        Version(tag)
    except InvalidVersion:
        return False
    return tag.startswith("v")


def _distance(repository: Path) -> int:
    """Return how many commits there are since the last version's tag, or since the beginning."""
    tags = [
        tag
        for tag in _git(repository, "tag", "--merged", "HEAD", "--sort=-creatordate").split()
        if _is_version(tag)
    ]
    return int(_git(repository, "rev-list", "--count", f"{tags[0]}..HEAD" if tags else "HEAD"))


def _git(repository: Path, *words: str) -> str:
    return run(["git", "-C", repository, *words]).strip()
