"""The one place where the lab meets the explaining middle."""

from lab.truth import Measured
from memcollect.documents.snapshot import Composition, Ladder, Pod, Residual, Snapshot, Step
from memcollect.explain import explain
from memcollect.join import Capture, LocalNames, local_snapshot


def explained(measured: Measured) -> Snapshot:
    """Return the explained document of one workload's sample."""
    names = LocalNames(
        pods={uid: ("lab", name) for name, uid in measured.pods.items()}, containers=measured.containers
    )
    capture = Capture(label=measured.workload, captured_at="", finished_at="")
    return explain(local_snapshot(measured.sample, names, capture))


def pod_of(snapshot: Snapshot, name: str) -> Pod:
    """Return the pod of that name."""
    return next(pod for pod in snapshot.pods if pod.name == name)


def ladder_of(pod: Pod, scope: str) -> Ladder:
    """Return the ladder of a container, or of the pod."""
    ladders = {"pod": pod.ladder, **{each.name: each.ladder for each in pod.containers}}
    ladder = ladders[scope]
    assert ladder is not None, f"{pod.name}/{scope} has no ladder"
    return ladder


def composition_of(pod: Pod, scope: str) -> Composition | None:
    """Return the composition of a container, or of the pod."""
    return {"pod": pod.composition, **{each.name: each.composition for each in pod.containers}}[scope]


def intervals_of(pod: Pod, scope: str, cause: str) -> list[tuple[int, int, int]]:
    """Return (low, estimate, high) wherever the document names the cause: ladder, composition, finding.

    Magnitudes: a ladder's term is negative where it leads down.
    """
    composition = composition_of(pod, scope)
    terms = [term for step in ladder_of(pod, scope).steps for term in step.terms]
    terms += composition.terms if composition else []
    named = [
        (term.low_bytes, term.estimate_bytes, term.high_bytes) for term in terms if term.term == cause
    ] + [
        (finding.low_bytes or 0, finding.estimate_bytes or 0, finding.high_bytes or 0)
        for finding in pod.findings
        if finding.cause == cause and finding.scope == scope
    ]
    return [(-high, -mid, -low) if high <= 0 else (low, mid, high) for low, mid, high in named]


def scopes_of(pod: Pod) -> list[str]:
    """Return the pod and its containers that live: one that has ended has no numbers."""
    return ["pod", *(each.name for each in pod.containers if each.state != "terminated")]


def residuals_of(pod: Pod) -> dict[str, Residual]:
    """Return every residual of the pod's document by a name that a failure can show."""
    scopes = scopes_of(pod)
    residuals = {
        f"{scope}: {step.from_rung} -> {step.to_rung}": step.residual
        for scope in scopes
        for step in ladder_of(pod, scope).steps
    }
    for scope in scopes:
        composition = composition_of(pod, scope)
        if composition is not None:
            residuals[f"{scope}: composition"] = composition.residual
    return residuals


def steps_of(pod: Pod) -> list[Step]:
    """Return every step of the pod and its containers."""
    scopes = scopes_of(pod)
    return [step for scope in scopes for step in ladder_of(pod, scope).steps]


def outside_bounds(snapshot: Snapshot) -> dict[str, Residual]:
    """Return every residual of every pod that is not within its printed bound, by the pod and its place."""
    return {
        f"{pod.name} {name}": residual
        for pod in snapshot.pods
        for name, residual in residuals_of(pod).items()
        if not residual.within_bound
    }
