from memcollect.documents.snapshot import Residual, Rung, Term, Undecided
from memcollect.reporters.html.ladder import ladder_part
from memcollect.reporters.html.waterfall import reach, stages
from worlds import html_pages
from worlds import sample_snapshots as samples

MIB = 1 << 20


def test_each_step_begins_at_the_level_that_the_one_before_reached() -> None:
    found = list(stages(samples.ladder()))
    level = 0
    for stage in found:
        if isinstance(stage.about, Rung):
            level = stage.end if stage.about.bytes is not None else level
        else:
            assert stage.start == level
            level = stage.end


def test_a_step_ends_at_its_next_rung() -> None:
    rungs = {rung.rung: rung.bytes for rung in samples.ladder().rungs}
    found = list(stages(samples.ladder()))
    ends = [stage.end for stage in found if isinstance(stage.about, Residual)]
    assert ends[0] == rungs["pss"]
    assert ends[2] == rungs["working_set"]


def test_a_bounded_term_has_a_whisker_between_the_levels_it_may_reach() -> None:
    term = next(
        each for each in stages(samples.ladder()) if isinstance(each.about, Term) and each.ends is not None
    )
    assert term.ends == ((412 + 466) * MIB, (412 + 476) * MIB)
    assert 'class="whisker"' in ladder_part(samples.ladder())


def test_the_short_view_leaves_out_residuals_of_nought_alone() -> None:
    full = [each.about for each in stages(samples.ladder()) if isinstance(each.about, Residual)]
    short = [each.about for each in stages(samples.ladder(), full=False) if isinstance(each.about, Residual)]
    assert short == [each for each in full if each.estimate_bytes]


def test_what_is_undecided_is_a_row_with_its_reason_and_no_bar() -> None:
    assert any(isinstance(each.about, Undecided) for each in stages(samples.ladder()))
    page = html_pages.parse(ladder_part(samples.ladder()))
    assert "not decided: stat.pagetables: this kernel (5.10) does not write it" in page.text


def test_everything_has_room_in_the_picture() -> None:
    scale = reach(samples.ladder())
    assert (scale.low, scale.high) == (0, 1100 * MIB)
    for each in html_pages.parse(ladder_part(samples.ladder())).all_of("rect"):
        assert 0 <= float(each["x"][:-1]) + float(each.get("width", "0%")[:-1]) <= 100.01
