"""Pods told in summary, as they are written and as they are read: exact terms are names with bytes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from memcollect.documents.fates import FATES
from memcollect.documents.snapshot import (
    Composition,
    Ladder,
    Pod,
    PodSummary,
    Rung,
    Snapshot,
    Term,
)
from memcollect.errors import DocumentError


def is_exact(term: Term) -> bool:
    """Return whether a name and a number are all that there is to a term."""
    exact = term.confidence == "measured" and term.low_bytes == term.high_bytes == term.estimate_bytes
    return exact and term.reclaimable == FATES.get(term.term)


def restored(pod: Pod) -> Pod:
    """Return a pod told in summary with its exact terms and rungs in their own places; any other as it is.

    Raises DocumentError where it does not add up: nothing else in the document could tell that it was edited.
    """
    short = pod.summary
    if short is None:
        return pod
    composition = pod.composition if short.composition is None else _whole(short.composition, short)
    if composition is not None and not _adds_up(composition):
        raise DocumentError(
            f"{pod.full_name} does not add up: its terms and residual are not its working set.",
            "Was the file edited? Take it from where it was saved first.",
        )
    rungs = [*_rungs(short.rungs), *(pod.ladder.rungs if pod.ladder is not None else ())]
    return msgspec.structs.replace(
        pod,
        composition=composition,
        ladder=Ladder(rungs=rungs) if rungs else pod.ladder,
        summary=msgspec.structs.replace(short, composition=None, terms={}, left_out={}, beside={}, rungs={}),
    )


def all_restored(snapshot: Snapshot) -> Snapshot:
    """Return the snapshot with each of its pods so."""
    if all(pod.summary is None for pod in snapshot.pods):
        return snapshot
    return msgspec.structs.replace(snapshot, pods=[restored(pod) for pod in snapshot.pods])


def _whole(but_for_exact: Composition, short: PodSummary) -> Composition:
    return msgspec.structs.replace(
        but_for_exact,
        terms=[*_terms(short.terms), *but_for_exact.terms],
        left_out=[*_terms(short.left_out), *but_for_exact.left_out],
        beside=[*_terms(short.beside), *but_for_exact.beside],
    )


def _adds_up(composition: Composition) -> bool:
    of_terms = sum(each.estimate_bytes for each in composition.terms)
    return of_terms + composition.residual.estimate_bytes == composition.working_set_bytes


def _terms(exact: Mapping[str, int]) -> Sequence[Term]:
    return [
        Term(
            term=name,
            low_bytes=amount,
            high_bytes=amount,
            estimate_bytes=amount,
            confidence="measured",
            reclaimable=FATES.get(name),
        )
        for name, amount in exact.items()
    ]


def _rungs(known: Mapping[str, int | None]) -> Sequence[Rung]:
    return [Rung(rung=name, bytes=size_bytes, source="") for name, size_bytes in known.items()]
