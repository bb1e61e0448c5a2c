"""Totals over the pods of a document. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from memcollect.model import Pod, Summary
from memcollect.roles import app_containers


def summarise(pods: Sequence[Pod]) -> Summary:
    """Return totals that equal the sums of the rows; a total over nothing measured is None."""
    compositions = [pod.composition for pod in pods if pod.composition is not None]
    tops = [pod.top.memory_bytes for pod in pods if pod.top and pod.top.memory_bytes is not None]
    terms: Counter[str] = Counter()
    for composition in compositions:
        terms.update({term.term: term.estimate_bytes for term in composition.terms})
    return Summary(
        pods=len(pods),
        pods_measured=len(compositions),
        containers=sum(len(app_containers(pod)) for pod in pods),
        working_set_bytes=sum(each.working_set_bytes for each in compositions) if compositions else None,
        top_bytes=sum(tops) if tops else None,
        terms=dict(terms),
        residual_bytes=sum(each.residual.estimate_bytes for each in compositions) if compositions else None,
    )
