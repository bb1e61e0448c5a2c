"""The explanation against truths that the workloads know by construction, on a distribution's kernel."""

import re

import pytest

from lab.explained import explained, ladder_of, outside_bounds
from lab.truth import Failed, Measured
from lab_full.chosen import PASS_NAMES
from lab_full.known import cases
from lab_full.passes import PASSES
from lab_full.playing import Case
from lab_full.reclaiming import mistaken
from lab_full.runner import ALL
from lab_full.saying import truths_of, wrong
from lab_full.telling import untold

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
    snapshot = explained(measured)
    assert [problem for truth in truths_of(measured) if (problem := wrong(snapshot, truth))] == []


@of_each("residual")
def test_every_residual_is_within_its_printed_bound(measured: Measured) -> None:
    assert outside_bounds(explained(measured)) == {}


@of_each("verdict")
def test_every_verdict_names_what_is_large(measured: Measured) -> None:
    assert untold(explained(measured), truths_of(measured)) == []


@of_each("whole")
def test_every_ladder_is_whole_and_nothing_is_missing(measured: Measured) -> None:
    snapshot = explained(measured)
    unknown = [
        f"{pod.name}/{scope}: {rung.rung}"
        for pod in snapshot.pods
        for scope in ("pod", *(each.name for each in pod.containers if each.role == "container"))
        for rung in ladder_of(pod, scope).rungs
        if rung.bytes is None
    ]
    assert (unknown, snapshot.missing) == ([], [])


@of_each("reclaim")
def test_what_is_called_droppable_goes_when_memory_is_short_and_the_rest_stays(measured: Measured) -> None:
    pods = explained(measured).pods
    assert {pod.name for pod in pods} == measured.given_back.keys()
    assert [problem for pod in pods if (problem := mistaken(pod, measured.given_back[pod.name]))] == []


@of_each("words")
def test_nothing_is_said_of_page_cache_that_its_lists_do_not_tell(measured: Measured) -> None:
    """How often a file was read is what the lists say without MGLRU, and is not with it."""
    pods = explained(measured).pods
    said = [finding.sentence for pod in pods for finding in pod.findings if finding.cause.endswith("_cache")]
    told = [sentence for sentence in said if re.search(r"read once|used more than once", sentence)]
    assert not (told and PASSES[measured.setting].mglru), told
