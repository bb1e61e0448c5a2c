"""The explanation against truths that the workloads know by construction, on a distribution's kernel."""

import pytest

from lab.explained import explained
from lab.truth import Failed, Measured
from lab_full import checks
from lab_full.chosen import PASS_NAMES
from lab_full.known import cases
from lab_full.playing import Case
from lab_full.runner import ALL

pytestmark = pytest.mark.lab_full

Results = dict[Case, Measured | Failed]


def of_each(check: str) -> pytest.MarkDecorator:
    """Play a check for every workload under every pass."""
    return pytest.mark.parametrize("measured", cases(check, list(ALL), PASS_NAMES), indirect=True)


@pytest.fixture
def measured(request: pytest.FixtureRequest, truth_results: Results) -> Measured:
    document = truth_results[request.param]
    if isinstance(document, Failed):
        # Not a failed assertion, which a mark would expect: what cannot be played is nobody's known fault.
        raise RuntimeError(document.error)  # noqa: TRY004 -- the type is what is told of it
    return document


@of_each("cause")
def test_every_cause_is_named_with_its_amount(measured: Measured) -> None:
    assert checks.cause(measured, explained(measured)) == []


@of_each("residual")
def test_every_residual_is_within_its_printed_bound(measured: Measured) -> None:
    assert checks.residual(measured, explained(measured)) == []


@of_each("verdict")
def test_every_verdict_names_what_is_large(measured: Measured) -> None:
    assert checks.verdict(measured, explained(measured)) == []


@of_each("whole")
def test_every_ladder_is_whole_and_nothing_is_missing(measured: Measured) -> None:
    assert checks.whole(measured, explained(measured)) == []


@of_each("reclaim")
def test_what_is_called_droppable_goes_when_memory_is_short_and_the_rest_stays(measured: Measured) -> None:
    assert checks.reclaim(measured, explained(measured)) == []


@of_each("words")
def test_nothing_is_said_of_page_cache_that_its_lists_do_not_tell(measured: Measured) -> None:
    assert checks.words(measured, explained(measured)) == []
