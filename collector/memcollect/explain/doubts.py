"""What the verdict says of bytes that have no name. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.documents.snapshot import Composition
from memcollect.explain.statement import Case, Rank, Said
from memcollect.units import human_bytes

TOO_MUCH = "The parts come to {amount} more than the whole of {whole}: not explained."
NOT_EXPLAINED = "{amount} is not explained: more than the kernel's bookkeeping can be."
OPEN = "{amount} is left open, for these could not be decided: {names}."
UNNAMED = (
    "{amount} of it has no name in memory.stat: the kernel's bookkeeping may be that much here, and may be"
    " less."
)
MISSING = (
    "The parts come to {amount} more than the whole of {whole}, which counters that are not yet flushed may"
    " do here."
)
GUEST = "guest_memory"
"""What is undecided where no VMM and no Sentry was found."""


def doubts(case: Case) -> Iterator[Said]:
    """Yield what the residual comes to: outside of its bound always, within it where it is large."""
    composition = case.composition
    if composition is None:
        return
    counted = sum([term.estimate_bytes for term in composition.terms])
    if counted and not composition.working_set_bytes:
        return  # the opening says that the numbers do not fit each other
    amount = abs(composition.residual.estimate_bytes)
    if composition.residual.within_bound and amount < case.least:
        return
    yield Said(
        topic="residual",
        sentence=_sentence(composition, human_bytes(amount)),
        rank=Rank.DOUBTS,
        weight=amount,
        amount_bytes=amount,
        rests_on=["residual"],
    )


def _sentence(composition: Composition, amount: str) -> str:
    residual, whole = composition.residual, human_bytes(composition.working_set_bytes)
    if residual.within_bound:
        template = UNNAMED if residual.estimate_bytes >= 0 else MISSING
        return template.format(amount=amount, whole=whole)
    if composition.undecided:
        return OPEN.format(amount=amount, names=", ".join(item.name for item in composition.undecided))
    return (TOO_MUCH if residual.estimate_bytes < 0 else NOT_EXPLAINED).format(amount=amount, whole=whole)


def guest(case: Case) -> Iterator[Said]:
    """Yield that a sandbox's guest was not found: the pod's numbers are then without the most of it."""
    for item in case.pod.undecided:
        if item.name == GUEST:
            yield Said(
                topic=GUEST,
                sentence=f"Where the guest's memory is could not be told: {item.reason}.",
                rank=Rank.DOUBTS,
                rests_on=[GUEST],
            )
