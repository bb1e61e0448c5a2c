"""The explanation against truths that the workloads know by construction, on a real kernel."""

import pytest

from lab.contradictions import contradiction, tolerance
from lab.explained import composition_of, explained, ladder_of, outside_bounds, pod_of
from lab.reclaiming import mistaken
from lab.telling import untold
from lab.truth import Failed, Measured
from lab.workloads import WORKLOADS

pytestmark = pytest.mark.lab

CANNOT_RUN = {
    (
        "5.10",
        "real_runtime",
    ): "runc and crun start themselves from a memfd, which User-Mode Linux 5.10 refuses",
}
Results = dict[str, Measured | Failed]


@pytest.fixture(params=list(WORKLOADS))
def measured(request: pytest.FixtureRequest, lab_results: Results) -> Measured:
    document = lab_results[request.param]
    reason = CANNOT_RUN.get((document.kernel.rpartition(".")[0], document.workload))
    if reason and isinstance(document, Failed):
        pytest.xfail(reason)
    assert isinstance(document, Measured), document.error
    return document


def test_every_cause_is_named_with_its_amount(measured: Measured) -> None:
    snapshot = explained(measured)
    wrong = [problem for truth in measured.truths if (problem := contradiction(snapshot, truth))]
    assert wrong == []


def test_every_verdict_names_what_is_large(measured: Measured) -> None:
    assert untold(explained(measured), measured.truths) == []


def test_what_is_called_droppable_goes_when_the_kernel_is_asked_for_all_and_the_rest_stays(
    measured: Measured,
) -> None:
    if not measured.given_back:
        pytest.skip("the kernel has no memory.reclaim (before 5.19)")
    pods = {pod.name: pod for pod in explained(measured).pods}
    wrong = [mistaken(pods[name], size) for name, size in measured.given_back.items()]
    assert [each for each in wrong if each] == []


def test_every_residual_is_within_its_printed_bound(measured: Measured) -> None:
    assert outside_bounds(explained(measured)) == {}


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


def test_kernel_memory_that_no_counter_names_is_an_interval_and_never_zero(lab_results: Results) -> None:
    """5.10 has no `kernel` in memory.stat: there the socket buffers are what is left, within its bound."""
    document = lab_results["full_sockets"]
    assert isinstance(document, Measured)
    (truth,) = document.truths
    pod = pod_of(explained(document), truth.pod)
    composition = composition_of(pod, truth.scope)
    assert composition is not None
    (term,) = [each for each in composition.terms if each.term == truth.cause]
    container = next(each for each in pod.containers if each.name == truth.scope)
    assert container.cgroup is not None
    assert container.cgroup.stat is not None
    assert term.confidence == ("measured" if "kernel" in container.cgroup.stat else "bounded")
    assert truth.size is not None
    assert term.low_bytes - tolerance(truth.size) <= truth.size <= term.high_bytes
