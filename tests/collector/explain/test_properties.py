"""What must hold of every explanation, whatever the kernel, the agent or a file said."""

from collections.abc import Iterator

import msgspec
from hypothesis import HealthCheck, Phase, given, settings

from collector.explain.strategies import snapshots
from memcollect.documents.snapshot import (
    Composition,
    Container,
    Finding,
    Ladder,
    Pod,
    Residual,
    Snapshot,
    Step,
    Term,
    Undecided,
)
from memcollect.explain import explain

always = settings(
    derandomize=True,
    phases=[Phase.generate],
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)


def scopes(pod: Pod) -> list[Pod | Container]:
    return [pod, *pod.containers]


def compositions(snapshot: Snapshot) -> Iterator[Composition]:
    for pod in snapshot.pods:
        for scope in scopes(pod):
            if scope.composition is not None:
                yield scope.composition


def ladders(snapshot: Snapshot) -> Iterator[Ladder]:
    for pod in snapshot.pods:
        for scope in scopes(pod):
            if scope.ladder is not None:
                yield scope.ladder


def sums(snapshot: Snapshot) -> Iterator[tuple[int, list[Term], Residual, list[Undecided]]]:
    for each in compositions(snapshot):
        yield each.working_set_bytes, each.terms, each.residual, each.undecided
    for ladder in ladders(snapshot):
        for step in ladder.steps:
            yield step.gap_bytes, step.terms, step.residual, step.undecided


@given(snapshots)
@always
def test_terms_and_residual_sum_to_the_gap_to_the_byte(raw: Snapshot) -> None:
    for gap, terms, residual, _ in sums(explain(raw)):
        assert sum(term.estimate_bytes for term in terms) + residual.estimate_bytes == gap
        assert sum(term.low_bytes for term in terms) + residual.high_bytes == gap
        assert sum(term.high_bytes for term in terms) + residual.low_bytes == gap
        parts: list[Term | Residual] = [*terms, residual]
        for each in parts:
            assert each.low_bytes <= each.estimate_bytes <= each.high_bytes


@given(snapshots)
@always
def test_a_term_has_one_owner_and_is_not_also_undecided(raw: Snapshot) -> None:
    for _, terms, _, undecided in sums(explain(raw)):
        names = [term.term for term in terms]
        assert len(names) == len(set(names))
        assert not set(names) & {item.name for item in undecided}
        assert all(item.missing and item.reason for item in undecided)


@given(snapshots)
@always
def test_a_step_is_closed_only_when_its_residual_is_within_bound_and_nothing_is_open(raw: Snapshot) -> None:
    for ladder in ladders(explain(raw)):
        for step in ladder.steps:
            residual = step.residual
            inside = residual.bound_low_bytes <= residual.estimate_bytes <= residual.bound_high_bytes
            assert residual.within_bound == inside
            assert step.closed == (inside and not step.undecided)


@given(snapshots)
@always
def test_a_gap_is_the_difference_of_its_two_rungs(raw: Snapshot) -> None:
    for ladder in ladders(explain(raw)):
        known = {rung.rung: rung.bytes for rung in ladder.rungs}
        assert len(known) == len(ladder.rungs)
        assert all(rung.reason for rung in ladder.rungs if rung.bytes is None)
        for step in ladder.steps:
            low, high = known[step.from_rung], known[step.to_rung]
            assert low is not None
            assert high is not None
            assert step.gap_bytes == high - low


@given(snapshots)
@always
def test_explaining_again_changes_nothing(raw: Snapshot) -> None:
    explained = explain(raw)
    assert explain(explained) == explained


@given(snapshots)
@always
def test_a_document_read_back_from_json_says_the_same(raw: Snapshot) -> None:
    explained = explain(raw)
    read_back = msgspec.json.decode(msgspec.json.encode(explained), type=Snapshot)
    assert read_back == explained
    assert explain(read_back) == explained


@given(snapshots)
@always
def test_a_finding_and_a_term_of_one_name_never_disagree(raw: Snapshot) -> None:
    for pod in explain(raw).pods:
        for container in pod.containers:
            terms = _terms_of(container)
            for finding in _findings_of(pod, container):
                for term in terms.get(finding.cause, []):
                    # From RSS to PSS the term is all RSS of what was not read: the finding's most.
                    is_most = (term.term, term.confidence) == ("unread_processes", "measured")
                    told = finding.high_bytes if is_most else finding.estimate_bytes
                    assert abs(term.estimate_bytes) == abs(told or 0)


@given(snapshots)
@always
def test_a_pods_composition_is_the_sum_of_its_containers(raw: Snapshot) -> None:
    """What containers have of a term that one of them leaves undecided is in the sum's residual."""
    for pod in explain(raw).pods:
        if pod.composition is None:
            continue
        outside = {"pause", "conmon", "unknown"}
        parts = [c.composition for c in pod.containers if c.role not in outside and c.composition is not None]
        assert pod.composition.working_set_bytes == sum(part.working_set_bytes for part in parts)
        undecided = {each.name for each in pod.composition.undecided}
        untold = sum(t.estimate_bytes for part in parts for t in part.terms if t.term in undecided)
        residuals = sum(part.residual.estimate_bytes for part in parts)
        assert pod.composition.residual.estimate_bytes == residuals + untold


@given(snapshots)
@always
def test_every_pod_gets_a_verdict_of_one_line(raw: Snapshot) -> None:
    for pod in explain(raw).pods:
        assert pod.verdict.endswith(".")
        assert "\n" not in pod.verdict


def _terms_of(container: Container) -> dict[str, list[Term]]:
    steps: list[Step | Composition] = list(container.ladder.steps) if container.ladder else []
    if container.composition is not None:
        steps.append(container.composition)
    terms: dict[str, list[Term]] = {}
    for step in steps:
        for term in step.terms:
            terms.setdefault(term.term, []).append(term)
    return terms


def _findings_of(pod: Pod, container: Container) -> list[Finding]:
    """Return a container's findings; none where two containers share its name."""
    if [each.name for each in pod.containers].count(container.name) > 1 or container.name == "pod":
        return []
    return [finding for finding in pod.findings if finding.scope == container.name]
