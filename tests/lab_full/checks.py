"""What is held against each workload's truth: every check returns what is wrong, nothing if all is right."""

import re
from collections.abc import Callable

from lab.explained import ladder_of, outside_bounds
from lab.reclaiming import mistaken
from lab.telling import untold
from lab.truth import Measured
from lab_full.passes import PASSES
from lab_full.saying import truths_of, wrong
from memcollect.documents.snapshot import Snapshot


def cause(measured: Measured, snapshot: Snapshot) -> list[str]:
    """Every cause is named with its amount."""
    return [problem for truth in truths_of(measured) if (problem := wrong(snapshot, truth))]


def residual(_measured: Measured, snapshot: Snapshot) -> list[str]:
    """Every residual is within its printed bound."""
    return [f"{name}: {each}" for name, each in outside_bounds(snapshot).items()]


def verdict(measured: Measured, snapshot: Snapshot) -> list[str]:
    """Every verdict names what is large."""
    return untold(snapshot, truths_of(measured))


def whole(_measured: Measured, snapshot: Snapshot) -> list[str]:
    """Every ladder is whole, and nothing is missing."""
    unknown = [
        f"{pod.name}/{scope}: {rung.rung}"
        for pod in snapshot.pods
        for scope in ("pod", *(each.name for each in pod.containers if each.role == "container"))
        for rung in ladder_of(pod, scope).rungs
        if rung.bytes is None
    ]
    return unknown + [str(each) for each in snapshot.missing]


def reclaim(measured: Measured, snapshot: Snapshot) -> list[str]:
    """What is called droppable goes when memory is short, and the rest stays."""
    unasked = [pod.name for pod in snapshot.pods if pod.name not in measured.given_back]
    if unasked:
        return [f"the kernel was not asked for the memory of {name}" for name in unasked]
    return [problem for pod in snapshot.pods if (problem := mistaken(pod, measured.given_back[pod.name]))]


def words(measured: Measured, snapshot: Snapshot) -> list[str]:
    """How often a file was read is what the kernel's lists say without MGLRU, and is not with it."""
    said = [
        finding.sentence
        for pod in snapshot.pods
        for finding in pod.findings
        if finding.cause.endswith("_cache")
    ]
    told = [sentence for sentence in said if re.search(r"read once|used more than once", sentence)]
    return told if PASSES[measured.setting].mglru else []


CHECKS: dict[str, Callable[[Measured, Snapshot], list[str]]] = {
    each.__name__: each for each in (cause, residual, verdict, whole, reclaim, words)
}
