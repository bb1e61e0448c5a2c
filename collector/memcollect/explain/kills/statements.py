"""What the verdict says of kills and deaths: each one, for two of them rarely have one cause. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.explain.kills.told import gone_container
from memcollect.explain.statement import Case, Rank, Said

CAUSES = frozenset({"oom_kill", "oom_killed", "killed", "not_running", "evicted", "pod_reason"})
MOST = 3


def deaths(case: Case) -> Iterator[Said]:
    """Yield a sentence on each, the gravest first; their own words name the container.

    Where the kernel counted a kill in a container, or in the runs of it that are gone, how it last ended is
    left to the findings.
    """
    counted = {each.scope for each in case.of_cause("oom_kill")}
    gone = gone_container(case.pod) if "pod" in counted else None
    told_by_counters: dict[str, set[str | None]] = {"oom_killed": {*counted}, "killed": {gone}}
    news = [
        each
        for each in case.pod.findings
        if each.cause in CAUSES and each.scope not in told_by_counters.get(each.cause, ())
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
