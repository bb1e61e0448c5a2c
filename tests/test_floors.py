"""The lowest version of each dependency has what its advisories mended; the table is docs/security.md's."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[1]
EXTRAS = ("agent", "metrics", "collector", "archive", "testing")
"""What users install; `dev` is for who works on the project."""
ROW = re.compile(r"^\| `(?P<name>[a-z0-9_]+)` \| (?P<floor>[0-9.]+) \| (?P<mended>[^|]*) \|$", re.MULTILINE)
MENDED = re.compile(r"((?:CVE|GHSA)-[\w-]+) in ([0-9.]+)")


def floors() -> dict[str, set[str]]:
    """Return the lowest versions that are allowed, by dependency."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    found: dict[str, set[str]] = {}
    for requirement in (Requirement(text) for extra in EXTRAS for text in extras[extra]):
        if requirement.name != "memcollect":
            lowest = {each.version for each in requirement.specifier if each.operator == ">="}
            found.setdefault(requirement.name, set()).update(lowest or {"none"})
    return found


def rows() -> dict[str, tuple[str, list[tuple[str, str]]]]:
    """Return the floor and the advisories of each row of the document's table."""
    text = (ROOT / "docs" / "security.md").read_text().partition("## Dependencies")[2]
    return {each["name"]: (each["floor"], MENDED.findall(each["mended"])) for each in ROW.finditer(text)}


def test_every_dependency_has_one_floor_and_a_row_with_it() -> None:
    assert floors() == {name: {floor} for name, (floor, _) in rows().items()}


def test_no_floor_is_below_the_version_that_mended_an_advisory() -> None:
    told = rows()
    for name, (floor, mended) in told.items():
        for advisory, version in mended:
            assert Version(floor) >= Version(version), (name, advisory)
    assert sum(len(mended) for _, mended in told.values()) >= 9
