"""A few sentences that a tired engineer can act on: what each contributor says, the gravest first. Pure.

Whoever has something to say of a pod is in CONTRIBUTORS or OF_HOST_NUMBERS, and says it with the terms it
rests on. Nothing else is written into a verdict, so that no sentence can be without its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby

from memcollect.documents.snapshot import Finding, Statement
from memcollect.explain import beside, doubts, files, mapped, parts, pressure, tops, within
from memcollect.explain.engine import ALARMING
from memcollect.explain.kills.statements import CAUSES as DEATHS
from memcollect.explain.kills.statements import deaths
from memcollect.explain.runtimes import sandbox_verdict
from memcollect.explain.statement import ORDER, Case, Contribute, Rank, Said, brief

_DIRECTORIES = re.compile(r"(?<!\S)/\S+/(?=[\w.]+)")
"""Where a file is; a verdict names it alone, and what is undecided has its whole path."""
_TOLD_BY_OTHERS = DEATHS | set(pressure.TOLD)
LONGEST = 310
"""Characters, four lines of a terminal: what is optional is left out where a verdict would be longer."""
SANDBOX_CAUSES = {
    "snapshot": Rank.WITHIN,
    "outside_pod": Rank.BESIDE,
    "top_provider": Rank.TOP,
    "guest_mapped_again": Rank.ASIDE,
}
"""What more is told of a sandbox, and where."""


def alarms(case: Case) -> Iterator[Said]:
    """Yield the findings that must not wait for the list of findings; of want of memory `pressure` tells."""
    for finding in case.pod.findings:
        if finding.severity in ALARMING and finding.cause not in _TOLD_BY_OTHERS:
            yield Said(
                topic=finding.cause,
                sentence=case.named(finding),
                rank=_rank(finding),
                weight=abs(finding.estimate_bytes or 0),
                amount_bytes=None if finding.estimate_bytes is None else abs(finding.estimate_bytes),
                rests_on=[finding.cause],
            )


def _rank(finding: Finding) -> Rank:
    """Return the place of an alarm: one with an amount is told with the other amounts."""
    if finding.severity == "critical":
        return Rank.DEATHS
    return Rank.PRESSURE if finding.estimate_bytes is None else Rank.BESIDE


def opening(case: Case) -> Iterator[Said]:
    """Yield what the pod's memory is: a sandbox's guest, the parts of the working set, or why nothing."""
    sandbox = sandbox_verdict(case.pod)
    if sandbox:
        yield Said("sandbox", sandbox.rstrip("."), Rank.PARTS, rests_on=["guest_memory"])
        for finding in case.pod.findings:
            if finding.cause in SANDBOX_CAUSES:
                rank = SANDBOX_CAUSES[finding.cause]
                yield Said(
                    topic=finding.cause,
                    sentence=brief(finding.sentence),
                    rank=rank,
                    rests_on=[finding.cause],
                    is_optional=rank == Rank.ASIDE,
                )
    elif case.composition is None:
        reason = (case.pod.unmeasured or _first_reason(case)).rstrip(".")
        yield Said(
            "unmeasured",
            f"Not measured: {_DIRECTORIES.sub('…/', reason)}",
            Rank.PARTS,
            rests_on=["working_set"],
        )
    else:
        yield from parts.parts(case)


CONTRIBUTORS: tuple[Contribute, ...] = (
    opening,
    deaths,
    alarms,
    pressure.pressure,
    pressure.above,
    pressure.enforced,
    pressure.room,
)
"""Each says what it knows; of two on one topic the first is heard."""
OF_HOST_NUMBERS: tuple[Contribute, ...] = (
    within.huge_pages,
    mapped.largest_mapping,
    files.largest_file,
    beside.causes,
    beside.terms,
    beside.cold_cache,
    beside.protection,
    doubts.doubts,
    doubts.guest,
    tops.tops,
)
"""Heard after those, of pods whose working set is their own and not a guest's."""


def statements(case: Case) -> list[Statement]:
    """Return what the verdict on a pod says, in its order."""
    first: dict[str, Said] = {}
    own = OF_HOST_NUMBERS if sandbox_verdict(case.pod) is None else ()
    for contribute in CONTRIBUTORS + own:
        for said in contribute(case):
            first.setdefault(said.topic, said)
    ordered = sorted(first.values(), key=lambda said: (ORDER.index(said.rank), -said.weight))
    room = LONGEST - sum(len(said.sentence) + 1 for said in ordered if not said.is_optional)
    kept: list[Statement] = []
    for said in ordered:
        if said.is_optional:
            room -= len(said.sentence) + 1
        if not said.is_optional or room >= 0:
            kept.append(said.statement())
    return kept


def pronounce(made_of: list[Statement]) -> str:
    """Return the verdict that these statements make."""
    sentences = []
    for is_part, some in groupby(made_of, key=lambda each: each.rank == Rank.PARTS):
        told = [each.sentence for each in some]
        sentences += [f"{'; '.join(told)}."] if is_part else told
    return " ".join(sentences)


def _first_reason(case: Case) -> str:
    rungs = case.pod.ladder.rungs if case.pod.ladder is not None else []
    return next((rung.reason for rung in rungs if rung.rung == "working_set" and rung.reason), "no numbers")
