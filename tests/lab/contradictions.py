"""Compares a document with a truth."""

from lab.explained import intervals_of, pod_of
from lab.truth import Truth
from memcollect.documents.snapshot import Snapshot

MIB = 1 << 20


def tolerance(size: int) -> int:
    """Return how far an amount may be off: 1 MiB or 1 %, whichever is more."""
    return max(MIB, size // 100)


def contradiction(snapshot: Snapshot, truth: Truth) -> str | None:
    """Return how the document contradicts the truth, None if it does not."""
    pod = pod_of(snapshot, truth.pod)
    where = f"{truth.pod}/{truth.scope}: {truth.cause}"
    found = {(each.cause, each.scope): each.estimate_bytes for each in pod.findings}
    sentences = [
        each.sentence for each in pod.findings if (each.cause, each.scope) == (truth.cause, truth.scope)
    ]
    if sentences and not any(truth.says in sentence for sentence in sentences):
        return f"{where} should say {truth.says!r}, and says {sentences}"
    if truth.size is None:
        return None if (truth.cause, truth.scope) in found else f"{where} is not among {found}"
    amounts = intervals_of(pod, truth.scope, truth.cause)
    if not amounts and truth.size >= MIB:
        return f"{where} is named nowhere; the findings are {found}"
    far = [each for each in amounts if abs(each[1] - truth.size) > tolerance(truth.size)]
    return f"{where} should be {truth.size} and is {far}" if far else None
