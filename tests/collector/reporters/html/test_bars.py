from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from memcollect.documents.snapshot import Composition, Residual, Term
from memcollect.reporters.html.bars import large_bar, reach, segments, thin_bar
from memcollect.reporters.html.colours import CLASSES
from memcollect.reporters.words import TERMS
from worlds import html_pages
from worlds import sample_snapshots as samples

MIB = 1 << 20
BYTES = st.integers(0, 1 << 40)
NAMES = st.lists(st.sampled_from([name for name in TERMS if name != "residual"]), unique=True)


def _residual(low: int, estimate: int, high: int) -> Residual:
    return Residual(
        low_bytes=low,
        high_bytes=high,
        estimate_bytes=estimate,
        bound_low_bytes=-MIB,
        bound_high_bytes=MIB,
        bound_reason="",
        within_bound=True,
    )


@st.composite
def _compositions(draw: st.DrawFn) -> Composition:
    terms = [
        Term(term=name, low_bytes=size, high_bytes=size, estimate_bytes=size, confidence="measured")
        for name in draw(NAMES)
        for size in [draw(BYTES)]
    ]
    left = draw(st.integers(-2 * MIB, 2 * MIB))
    spread = draw(st.integers(0, MIB))
    residual = _residual(left - spread, left, left + spread)
    whole = sum(term.estimate_bytes for term in terms) + left
    return Composition(working_set_bytes=whole, terms=terms, residual=residual)


@given(_compositions())
@settings(derandomize=True)
def test_each_part_begins_where_the_one_before_ends_and_the_last_ends_at_the_whole(
    composition: Composition,
) -> None:
    parts = list(segments(composition))
    assert [part.start for part in parts] == [0, *(part.end for part in parts[:-1])]
    assert parts[-1].end == composition.working_set_bytes


@given(_compositions())
@settings(derandomize=True)
def test_the_drawn_widths_add_up_to_the_whole_within_rounding(composition: Composition) -> None:
    scale = reach([composition])
    page = html_pages.parse(thin_bar(composition, scale))
    drawn = [each for each in page.all_of("rect") if each["class"] != "hatch"]
    widths = [float(each["width"][:-1]) * (-1 if "back" in each["class"] else 1) for each in drawn]
    whole = scale.percent(composition.working_set_bytes) - scale.percent(0)
    assert abs(sum(widths) - whole) <= 0.02 * (len(widths) + 1)
    for each in drawn:
        assert -0.01 <= float(each["x"][:-1]) <= 100.01


def test_a_small_residual_is_drawn_as_a_stroke() -> None:
    composition = msgspec.structs.replace(samples.composition(), residual=_residual(4096, 4096, 4096))
    assert 'class="trace"' in large_bar(composition, reach([composition]))


def test_no_residual_at_all_is_not_drawn() -> None:
    composition = msgspec.structs.replace(samples.composition(), residual=_residual(0, 0, 0))
    bar = large_bar(composition, reach([composition]))
    assert "trace" not in bar
    assert 'class="rest"' not in bar


def test_a_residual_that_is_an_interval_is_drawn_from_its_low_end_to_its_high_end() -> None:
    anon = Term(
        term="anon", low_bytes=40 * MIB, high_bytes=90 * MIB, estimate_bytes=50 * MIB, confidence="bounded"
    )
    residual = _residual(10 * MIB, 50 * MIB, 60 * MIB)
    composition = Composition(working_set_bytes=100 * MIB, terms=[anon], residual=residual)
    lines = html_pages.parse(large_bar(composition, reach([composition]))).all_of("line")
    assert (lines[0]["x1"], lines[0]["x2"]) == ("40%", "90%")


def test_what_can_be_reclaimed_is_hatched() -> None:
    page = html_pages.parse(large_bar(samples.composition(), reach([samples.composition()])))
    shown = [each["class"] for each in page.all_of("rect")]
    assert [before for before, after in pairwise(shown) if after == "hatch"] == [
        "cache",
        "slab",
    ]


def test_every_term_of_a_composition_has_a_colour_of_its_own() -> None:
    names = [term.term for term in samples.composition().terms]
    assert len({CLASSES[name] for name in names}) == len(names)
