"""The recipes of docs/json.md say what the page shows, on documents that were once written."""

import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from memcollect.schema.kinds import KINDS
from worlds.children import run
from worlds.doc_blocks import DOCS, Block, blocks

SAMPLES = Path(__file__).parents[1] / "document_samples"
NEEDS = {"jq": shutil.which("jq") is not None, "import pandas": find_spec("pandas") is not None}
"""What a recipe needs that a machine may not have: jq is Debian's, pandas too large for our own tests."""
RECIPES = blocks("json.md")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for kind, about in KINDS.items():
        if kind != "sample":
            shutil.copy(SAMPLES / f"{kind}-{about.version}.json", tmp_path / f"{kind}.json")
    return tmp_path


@pytest.mark.parametrize("recipe", RECIPES, ids=range(len(RECIPES)))
def test_a_recipe_prints_what_the_page_shows(recipe: Block, place: Path) -> None:
    lacking = [need for need, there in NEEDS.items() if need in recipe.text and not there]
    if lacking:
        pytest.skip(f"not here: {', '.join(lacking)}")
    command = ["sh", "-euc", recipe.text] if recipe.language == "sh" else [sys.executable, "-c", recipe.text]
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    told = run(command, cwd=place, env={**os.environ, "PATH": programs})
    assert (told.returncode, told.stdout, told.stderr) == (0, recipe.output, "")


def test_every_recipe_shows_its_output() -> None:
    assert len(RECIPES) >= 10
    assert [recipe.text for recipe in RECIPES if not recipe.output] == []


def test_the_page_names_every_document_and_its_version() -> None:
    page = (DOCS / "json.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:3] for line in page.splitlines() if line.startswith("| ")]
    named = {word.strip(): version.strip() for word, version in rows if version.strip().isdigit()}
    assert named == {name: str(kind.version) for name, kind in KINDS.items()}
