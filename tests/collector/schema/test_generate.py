"""Every field of every document is described, and what is committed is what the structs say today."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from memcollect.schema import generate
from memcollect.schema.kinds import KINDS
from memcollect.schema.words import WORDS

ROOT = Path(__file__).parents[3]
COPIES = ("collector/memcollect/schema/files", "docs/schema")
STRUCTS = sorted(
    {struct for kind in KINDS.values() for struct in generate.structs(kind.struct)},
    key=lambda struct: f"{struct.__module__}.{struct.__name__}",
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", COPIES)
def test_the_committed_schema_is_the_one_that_the_structs_make(kind: str, place: str) -> None:
    committed = ROOT / place / f"{kind}.json"
    assert committed.read_bytes() == generate.text(kind), "run scripts/make-schema"


@pytest.mark.parametrize("place", COPIES)
def test_no_schema_is_left_of_a_kind_that_is_no_more(place: str) -> None:
    assert {path.stem for path in (ROOT / place).iterdir()} == set(KINDS)


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: f"{struct.__module__}.{struct.__name__}")
def test_every_public_field_has_its_meaning(struct: type[Struct]) -> None:
    nameless = sorted(set(struct.__struct_fields__) - set(generate.described(struct)))
    assert nameless == [], "give it a docstring, or its name a word in memcollect.schema.words"


def test_every_word_is_of_a_field_that_has_no_docstring_of_its_own() -> None:
    used = set()
    for struct in STRUCTS:
        for name in struct.__struct_fields__:
            used |= {name, f"{struct.__name__}.{name}"}
    assert set(WORDS) - used == set()


def test_every_part_and_property_of_a_schema_is_described() -> None:
    for kind in KINDS:
        for part in parts(generate.schema(kind)):
            silent = [name for name, each in part["properties"].items() if not each["description"]]
            assert (kind, part["title"], silent, part["description"] != "") == (kind, part["title"], [], True)


def test_every_number_with_a_unit_in_its_name_says_it() -> None:
    top = generate.schema("snapshot")["$defs"]["Top"]["properties"]
    assert top["memory_bytes"]["x-unit"] == "bytes"
    assert top["memory_bytes"]["description"].endswith(" In bytes.")
    assert top["timestamp"]["x-unit"] == "seconds since the Unix epoch"
    assert "x-unit" not in top["source"]


def test_every_number_that_is_not_whole_has_a_unit() -> None:
    for kind in KINDS:
        for part in parts(generate.schema(kind)):
            for name, each in part["properties"].items():
                types = {each.get("type"), *(one.get("type") for one in each.get("anyOf", []))}
                assert "number" not in types or "x-unit" in each, (kind, part["title"], name)


def test_a_time_in_words_has_no_unit_of_a_number() -> None:
    properties = generate.schema("snapshot")["properties"]
    assert "x-unit" not in properties["captured_at"]
    assert "ISO 8601" in properties["captured_at"]["description"]


def parts(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for each in (schema, *schema["$defs"].values()) if "properties" in each]
