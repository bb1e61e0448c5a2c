"""What the verdict says of kills and deaths: each one, for two of them rarely have one cause. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.explain.statement import Case, Rank, Said

CAUSES = frozenset({"oom_kill", "oom_killed", "killed", "not_running", "evicted", "pod_reason"})
MOST = 3


def deaths(case: Case) -> Iterator[Said]:
    """Yield a sentence on each, the gravest first; their own words name the container.

    Where the kernel counted a kill in a container, how it last ended is left to the findings.
    """
    counted = {each.scope for each in case.of_cause("oom_kill")}
    news = [
        each
        for each in case.pod.findings
        if each.cause in CAUSES and not (each.cause == "oom_killed" and each.scope in counted)
    ]
    found = list({each.sentence: each for each in news}.values())
    for place, finding in enumerate(found[:MOST]):
        yield Said(
            topic=f"{finding.cause} {place}" if place else finding.cause,
            sentence=finding.sentence,
            rank=Rank.DEATHS,
            weight=-place,
            rests_on=[finding.cause],
        )
    if len(found) > MOST:
        more = len(found) - MOST
        yield Said("more_deaths", f"The findings tell of {more} more of the kind.", Rank.DEATHS, -MOST)
