"""The rights that a plan needs, and whether the user has them: asked before anything is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from memcollect.errors import DeniedError
from memcollect.evidence.catalogue import cleanup, operations, rows_named
from memcollect.profile.plan.model import (
    AgentSandbox,
    Evidence,
    Exec,
    Http,
    Plan,
    Reuse,
    Scale,
    Template,
    driver_of,
    is_seen,
)
from memcollect.sources.access import lacking
from memcollect.sources.api import Api
from memcollect.sources.rights import Right, in_words, needed_rights


def rights_of(plan: Plan, agent_namespace: str) -> list[Right]:
    """Return every right that a run of `plan` uses: those of its snapshots first, then its own.

    Of sandboxes that are no pods of the cluster nothing is asked there.
    """
    if not is_seen(plan.source):
        return []
    place = plan.source.namespace
    return list(dict.fromkeys([*needed_rights([place], agent_namespace), *own_rights(plan)]))


def own_rights(plan: Plan) -> Iterator[Right]:
    """Yield what the source and the phases use beyond snapshots, in the sandboxes' namespace.

    A command in a pod asks as a port-forward does: `create` from Kubernetes 1.35 on, and `get` before.
    """
    place = plan.source.namespace
    if isinstance(plan.source, Template):
        yield from (Right(verb, "pods", namespace=place) for verb in ("create", "delete"))
    tried = {driver_of(plan, each) for each in plan.phases if isinstance(each, Evidence)}
    if isinstance(plan.source, AgentSandbox) or "agent-sandbox" in tried:
        yield from _claims(place)
    commands = any(isinstance(each, Exec | Reuse | Scale) and each.command for each in plan.phases)
    requests = any(isinstance(each, Http) for each in plan.phases)
    subresources = {
        "exec": commands or "exec" in tried,
        "portforward": requests or "aio" in tried,
    }
    for subresource in (name for name, used in subresources.items() if used):
        yield from (
            Right(verb, "pods", namespace=place, subresource=subresource) for verb in ("get", "create")
        )
    yield from evidence_rights(plan)


def _claims(place: str) -> Iterator[Right]:
    """Yield what agent-sandbox's package asks of the API server in the user's name."""
    for verb in ("create", "get", "list", "watch", "delete"):
        yield Right(verb, "sandboxclaims", "extensions.agents.x-k8s.io", place)
    yield Right("get", "sandboxes", "agents.x-k8s.io", place)


def evidence_rights(plan: Plan) -> Iterator[Right]:
    """Yield what the plan's evidence phases read of the cluster, beside what their driver needs.

    That is what stands beside a sandbox, what its deletion leaves, and which pods run its system.
    """
    place = plan.source.namespace
    tried = {row.name for each in plan.phases if isinstance(each, Evidence) for row in rows_named(each.rows)}
    if tried & {cleanup.ROW.name, operations.ROW.name}:
        yield from (Right("list", each, namespace=place) for each in ("services", "persistentvolumeclaims"))
    if operations.ROW.name in tried:
        yield Right("list", "networkpolicies", "networking.k8s.io", place)
        yield Right("list", "customresourcedefinitions", "apiextensions.k8s.io")
        yield Right("list", "pods")


def require(api: Api, rights: Sequence[Right]) -> None:
    """Raise DeniedError, with all of `rights` that the user lacks.

    Where the API server cannot say, nothing is held against anybody: what it refuses will be a result.
    """
    without = lacking(api, rights)
    if without:
        what = "a right" if len(without) == 1 else f"{len(without)} rights"
        place = without[-1].namespace
        where = f" -n {place}" if place else ""
        raise DeniedError(
            f"The plan needs {what} that you do not have. Nothing was begun.",
            f"Have an administrator bind the roles in deploy/ to you ({_example(rights)} shows how);"
            f" `kubectl auth can-i --list{where}` says what you have. You lack:",
            in_words(without),
        )


def _example(rights: Sequence[Right]) -> str:
    claims = any(each.resource == "sandboxclaims" for each in rights)
    return f"deploy/examples/{'agent-sandbox' if claims else 'profile'}.yaml"
