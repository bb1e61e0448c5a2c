"""What must hold of every verdict: it says nothing but the terms, and leaves nothing large out."""

import re
from collections.abc import Iterator

import msgspec
from hypothesis import HealthCheck, Phase, given, settings

from collector.explain.strategies import snapshots
from memcollect.accounting.composition import RULES
from memcollect.accounting.reclaim import DROPPABLE
from memcollect.documents.fates import FATES
from memcollect.documents.snapshot import Composition, Container, Pod, Snapshot, Statement, Term
from memcollect.explain import explain
from memcollect.explain.parts import PARTS
from memcollect.explain.runtimes import sandbox_verdict
from memcollect.explain.statement import ORDER, SMALLEST_SHARE, Rank
from memcollect.units import MIB, human_bytes
from worlds import builders

always = settings(
    derandomize=True,
    phases=[Phase.generate],
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example],
)
PROMISES = re.compile("can drop|droppable if unused|drops first|takes back|already given back")
"""Words for bytes that the kernel can take back as they are."""
ADDED_UP = ("dead_containers", "pod_processes", "pause")
"""Causes beside the working set, whose amounts are added up over a pod's containers."""
OF_PROCESSES = (
    *("double_counted", "ksm", "rings"),
    *("borrowed_file", "borrowed_anon", "lent_file", "lent_anon"),
)
"""Causes that are terms of the pod's ladder, between its processes and its charge."""


def told(raw: Snapshot) -> Iterator[tuple[Pod, Composition, list[Statement]]]:
    """Yield every pod whose working set is its own and has a number."""
    for pod in explain(raw).pods:
        if pod.composition is not None and sandbox_verdict(pod) is None:
            yield pod, pod.composition, pod.statements


def charged(composition: Composition) -> dict[str, Term]:
    terms = (*composition.terms, *composition.left_out, *composition.beside)
    return {(f"beside {term.term}" if term in composition.beside else term.term): term for term in terms}


@given(snapshots)
@always
def test_every_amount_is_the_sum_of_terms_with_the_fate_that_the_sentence_names(raw: Snapshot) -> None:
    for _, composition, statements in told(raw):
        terms = charged(composition)
        for said in statements:
            if said.reclaimable is None:
                continue
            place = "beside " if said.rank == Rank.BESIDE and f"beside {said.topic}" in terms else ""
            meant = [terms[place + name] for name in said.rests_on]
            assert said.amount_bytes == sum(term.estimate_bytes for term in meant)
            assert {term.reclaimable for term in meant} == {said.reclaimable}
            all_of_it = f"All of its {human_bytes(composition.working_set_bytes)}"
            is_all = said.amount_bytes >= composition.working_set_bytes and said.sentence.startswith(
                all_of_it
            )
            assert is_all or said.sentence.startswith(human_bytes(said.amount_bytes))
            assert bool(PROMISES.search(said.sentence)) == (said.reclaimable in DROPPABLE)


@given(snapshots)
@always
def test_what_no_term_stands_behind_is_never_promised_to_go(raw: Snapshot) -> None:
    for _, _, statements in told(raw):
        for said in statements:
            if said.reclaimable is None:
                assert not PROMISES.search(said.sentence)


@given(snapshots)
@always
def test_whatever_is_above_a_twentieth_of_the_working_set_or_beside_it_of_the_charge_is_told(
    raw: Snapshot,
) -> None:
    for pod, composition, statements in told(raw):
        rests_on = {name for said in statements for name in said.rests_on}
        whole = composition.working_set_bytes
        least = max(MIB, round(SMALLEST_SHARE * whole))
        if whole:
            inside = [
                term.term for term in composition.terms if term.estimate_bytes >= SMALLEST_SHARE * whole
            ]
            assert set(inside) <= rests_on
        charged = (pod.cgroup.current_bytes or 0) if pod.cgroup else 0
        least_beside = max(least, round(SMALLEST_SHARE * charged))
        outside = [*composition.left_out, *composition.beside]
        large = {term.term for term in outside if term.estimate_bytes >= least_beside} - {"cold_cache"}
        assert large <= rests_on
        if abs(composition.residual.estimate_bytes) >= least or not composition.residual.within_bound:
            assert "residual" in rests_on
        for cause in ADDED_UP:
            amounts = [abs(each.estimate_bytes or 0) for each in pod.findings if each.cause == cause]
            assert cause in rests_on or sum(amounts) < least_beside
        of_ladder = terms_of_ladder(pod)
        for said in statements:
            if said.topic in OF_PROCESSES and " of the pod" not in said.sentence:
                assert said.amount_bytes == of_ladder.get(said.topic, said.amount_bytes)


def terms_of_ladder(pod: Pod) -> dict[str, int]:
    steps = [] if pod.ladder is None else pod.ladder.steps
    return {term.term: abs(term.estimate_bytes) for step in steps for term in step.terms}


def said_of(*containers: Container) -> tuple[dict[str, Statement], dict[str, int]]:
    """Return what is said of a pod of these containers by its topic, and the terms of the pod's ladder."""
    pod = explain(builders.snapshot(builders.pod(*containers))).pods[0]
    return {said.topic: said for said in pod.statements}, terms_of_ladder(pod)


def with_sums(container: Container, **more_bytes: int) -> Container:
    """Return the container with so much more in these sums over its processes."""
    assert container.sums is not None
    more = {name: getattr(container.sums, name) + size for name, size in more_bytes.items()}
    return msgspec.structs.replace(container, sums=msgspec.structs.replace(container.sums, **more))


def test_what_adding_up_counts_again_is_that_of_the_ladder_with_the_pause_containers_processes() -> None:
    again = with_sums(builders.pause(), rss_bytes=200 * MIB)
    said, ladder = said_of(builders.container(), again)

    assert said["double_counted"].amount_bytes == ladder["double_counted"] == 210 * MIB
    assert "double-counts 210 MiB" in said["double_counted"].sentence


def test_what_one_container_pays_for_and_another_maps_is_not_mapped_elsewhere() -> None:
    payer = builders.container(
        "payer", cgroup=builders.cgroup(stat={"file_mapped": builders.QUIET_STAT["file_mapped"] + 30 * MIB})
    )
    user = with_sums(builders.container("user"), pss_bytes=30 * MIB, pss_file_bytes=30 * MIB)
    said, ladder = said_of(payer, user)

    assert not {"lent_file", "borrowed_file"} & set(ladder)
    assert said["lent_file"].sentence == (
        "30 MiB of the file pages of payer is mapped by other containers of the pod, it seems."
    )
    assert "borrowed_file" not in said


@given(snapshots)
@always
def test_a_verdict_is_its_statements_and_says_each_topic_once(raw: Snapshot) -> None:
    for pod in explain(raw).pods:
        topics = [said.topic for said in pod.statements]
        assert len(topics) == len(set(topics))
        assert all(said.sentence in pod.verdict for said in pod.statements)
        places = [ORDER.index(Rank(said.rank)) for said in pod.statements]
        assert places == sorted(places)


def test_every_term_of_a_composition_has_a_place_in_the_verdict() -> None:
    placed = [name for part in PARTS for name in part.terms]

    assert sorted(placed) == sorted(rule.term for rule in RULES)
    assert all(FATES[name] == part.reclaimable for part in PARTS for name in part.terms)
