import itertools
import resource
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.documents.yaml_value import DEEPEST, MOST_NODES, check_yaml, yaml_value
from memcollect.errors import DocumentError

LEVELS = "abcdefghijklmnop"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in itertools.pairwise(LEVELS)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{', '.join([f'*{before}'] * 9)}]}}\n"
    for before, name in itertools.pairwise(LEVELS)
)


def test_a_manifest_with_an_alias_is_what_it_says() -> None:
    text = b"metadata: {labels: &l {app: x}}\nspec: {selector: *l, more: [1, 2.5, true, null]}\n"
    labels = {"app": "x"}
    assert yaml_value(text, "f") == {
        "metadata": {"labels": labels},
        "spec": {"selector": labels, "more": [1, 2.5, True, None]},
    }
    assert yaml_value(b"", "f") is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, f"f has more than {MOST_NODES:,} values, aliases written out"),
        (MERGES, f"f has more than {MOST_NODES:,} values, aliases written out"),
        ("a: &a [*a]", "f contains itself"),
        ("[" * 150, f"f is nested deeper than {DEEPEST} levels"),
        ("a: " * 3 + "\n", "f is neither YAML nor JSON: line 1, mapping values are not allowed"),
        ("- x\n" * 3 * MOST_NODES, "f has more than"),
        ("a: 2026-11-29", "f has a value of the kind date. Quote it."),
        ("a: !!binary aGk=", "f has a value of the kind bytes"),
        ("1: x", "f has a int as a key"),
        ("a: .inf", "f has the number inf"),
        ("a: .nan", "f has the number nan"),
        (
            "a: !!python/object/apply:os.system [id]",
            "f is neither YAML nor JSON: line 1, could not determine",
        ),
        (f"a: {'9' * 100_000}", "f is neither YAML nor JSON: Exceeds the limit"),
        ("a: 2026-99-99", "f is neither YAML nor JSON: month must be in"),
        ("a\0b", "f is neither YAML nor JSON"),
    ],
    ids=lambda text: text[:12],
)
def test_what_would_be_too_much_or_is_nothing_for_json_is_one_sentence(text: str, said: str) -> None:
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DocumentError) as caught:
        yaml_value(text.encode(), "f")
    assert said in str(caught.value)
    assert time.process_time() - began < 30
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 << 10


@pytest.mark.parametrize("text", [BOMB, MERGES, "a: &a [*a]", "[" * 100_000])
def test_a_file_that_somebody_else_parses_is_held_to_the_same(text: str) -> None:
    with pytest.raises(DocumentError):
        check_yaml(text.encode(), "f")


@given(st.one_of(st.binary(max_size=200), st.text(alphabet="ab:-[]{}&*!<>|?'\"\n ,0.x", max_size=80)))
def test_no_text_ends_otherwise_than_in_a_value_or_a_sentence(text: bytes | str) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    said = ""
    try:
        yaml_value(data, "f")
    except DocumentError as error:
        said = str(error)
    assert "\n" not in said
