"""docs/security.md names a test for each kind of fault, and each test that it names there is."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "security.md").read_text()
NAMED = re.compile(r"`(tests/[\w/.-]+\.py)(?:::(\w+))?`")
KINDS = 12
"""Rows of the table that the attack left."""
FAULTS = 7


def rows(heading: str) -> list[str]:
    """Return the rows of the first table below a heading."""
    below = TEXT.partition(f"{heading}\n")[2].partition("\n#")[0]
    return [line for line in below.splitlines() if line.startswith("| ")][1:]


def test_every_test_that_is_named_is_there() -> None:
    named = NAMED.findall(TEXT)
    assert len(named) > 40
    missing = [f"{path}::{name}" for path, name in named if not _is_there(ROOT / path, name)]
    assert missing == []


def _is_there(path: Path, name: str) -> bool:
    if not path.is_file():
        return False
    tree = ast.parse(path.read_text())
    return not name or any(isinstance(each, ast.FunctionDef) and each.name == name for each in tree.body)


def test_each_kind_and_each_fault_has_a_test() -> None:
    for heading, count in (
        ("## What was attacked, and what holds it", KINDS),
        ("### Faults on purpose", FAULTS),
    ):
        found = rows(heading)
        assert len(found) == count
        assert all(any(name for _, name in NAMED.findall(row)) for row in found), heading
