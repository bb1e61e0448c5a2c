"""The explanation against truths that the workloads know by construction, on a real kernel."""

import pytest
from memcollect.model import Snapshot

from lab.explained import explained, intervals_of, ladder_of, pod_of, residuals_of
from lab.truth import Failed, Measured, Truth
from lab.workloads import WORKLOADS

pytestmark = pytest.mark.lab

MIB = 1 << 20
Results = dict[str, Measured | Failed]


@pytest.fixture(params=list(WORKLOADS))
def measured(request: pytest.FixtureRequest, lab_results: Results) -> Measured:
    document = lab_results[request.param]
    assert isinstance(document, Measured), document.error
    return document


def tolerance(size: int) -> int:
    return max(MIB, size // 100)


def test_every_cause_is_named_with_its_amount(measured: Measured) -> None:
    snapshot = explained(measured)
    wrong = [problem for truth in measured.truths if (problem := contradiction(snapshot, truth))]
    assert wrong == []


def contradiction(snapshot: Snapshot, truth: Truth) -> str | None:
    """Return how the document contradicts the truth, None if it does not."""
    pod = pod_of(snapshot, truth.pod)
    where = f"{truth.pod}/{truth.scope}: {truth.cause}"
    found = {(each.cause, each.scope): each.estimate_bytes for each in pod.findings}
    if truth.size is None:
        return None if (truth.cause, truth.scope) in found else f"{where} is not among {found}"
    amounts = intervals_of(pod, truth.scope, truth.cause)
    if not amounts and truth.size >= MIB:
        return f"{where} is named nowhere; the findings are {found}"
    far = [each for each in amounts if abs(each[1] - truth.size) > tolerance(truth.size)]
    return f"{where} should be {truth.size} and is {far}" if far else None


def test_every_residual_is_within_its_printed_bound(measured: Measured) -> None:
    outside = {
        f"{pod.name} {name}": residual
        for pod in explained(measured).pods
        for name, residual in residuals_of(pod).items()
        if not residual.within_bound
    }
    assert outside == {}


def test_every_ladder_reaches_the_working_set(measured: Measured) -> None:
    for pod in explained(measured).pods:
        for scope in ("pod", *(each.name for each in pod.containers if each.role == "container")):
            unknown = [rung for rung in ladder_of(pod, scope).rungs if rung.bytes is None]
            assert unknown == [], f"{pod.name}/{scope}"


def test_nothing_is_missing(measured: Measured) -> None:
    assert explained(measured).missing == []


def test_every_pod_has_a_verdict_and_one_pause_container(measured: Measured) -> None:
    for pod in explained(measured).pods:
        assert pod.verdict
        assert [each.role for each in pod.containers].count("pause") == 1
