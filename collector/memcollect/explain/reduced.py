"""A pod told in summary: its terms, rungs and verdict as they are, and not what they were made of. Pure.

Pods are written so by the ten thousand: what a reader assumes by itself is left out, by structs that are the
document's own but for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar, cast

import msgspec
from msgspec import Struct

from memcollect.documents.snapshot import (
    AppSummary,
    Composition,
    Container,
    Pod,
    PodSummary,
    Residual,
    Runtime,
    Statement,
    Term,
    Top,
)
from memcollect.documents.summaries import is_exact
from memcollect.explain.statement import NEWS
from memcollect.join.limit import limit_of
from memcollect.join.roles import app_containers
from memcollect.join.whole import charge_of, whole_of, working_set_of
from memcollect_agent.wire import Cgroup

RUNGS = ("rss", "pss")
"""Those that neither the terms nor kubectl top's own number tell."""

_Kind = TypeVar("_Kind", bound=Struct)


def _omitting(kind: type[_Kind]) -> type[_Kind]:
    """Return the document's own struct, but that its defaults are not written."""
    short = msgspec.defstruct(
        f"_{kind.__name__}",
        [],
        bases=(kind,),
        module=__name__,
        frozen=True,
        kw_only=True,
        omit_defaults=True,
        gc=False,
    )
    return cast("type[_Kind]", short)


_Pod = _omitting(Pod)
_Container = _omitting(Container)
_Composition = _omitting(Composition)
_Term = _omitting(Term)
_Top = _omitting(Top)
_Runtime = _omitting(Runtime)
_Statement = _omitting(Statement)


def reduced(pod: Pod) -> Pod:
    """Return an explained pod told in summary; one that is already as it is.

    A pod without a working set keeps its containers' states: they are why.
    """
    if pod.summary is not None:
        return pod
    return _Pod(
        uid=pod.uid,
        name=pod.name,
        kind=pod.kind,
        namespace=pod.namespace,
        node=pod.node,
        phase=pod.phase,
        reason=pod.reason,
        message=pod.message,
        resize=pod.resize,
        deletion=pod.deletion,
        unmeasured=pod.unmeasured,
        qos_class=pod.qos_class,
        driver=pod.driver,
        runtime=_runtime(pod.runtime),
        start_time=pod.start_time,
        owner=pod.owner,
        within=pod.within,
        cgroup=_cgroup(pod.cgroup) if pod.composition is None else None,
        containers=[_container(each) for each in pod.containers] if pod.composition is None else [],
        top=_top(pod.top),
        undecided=pod.undecided,
        verdict=pod.verdict,
        statements=[_statement(each) for each in pod.statements if each.rank in NEWS],
        summary=_summary(pod),
    )


def _summary(pod: Pod) -> PodSummary:
    whole = pod.composition
    rungs = pod.ladder.rungs if pod.ladder is not None else []
    apps = app_containers(pod)
    return PodSummary(
        containers=len(apps),
        apps=[_app(each) for each in apps] if whole is not None else [],
        restarts=sum(each.restarts or 0 for each in pod.containers),
        limit_bytes=limit_of(pod),
        causes=list(dict.fromkeys(each.cause for each in pod.findings)),
        whole_bytes=whole_of(pod, working_set_of),
        charge_bytes=whole_of(pod, charge_of),
        composition=_composition(whole),
        terms=_exact(whole.terms) if whole else {},
        left_out=_exact(whole.left_out) if whole else {},
        beside=_exact(whole.beside) if whole else {},
        rungs={each.rung: each.bytes for each in rungs if each.rung in RUNGS},
    )


def _app(container: Container) -> AppSummary:
    stat = container.cgroup.stat if container.cgroup is not None else None
    return AppSummary(
        name=container.name, image=container.image, anon_bytes=stat.get("anon") if stat is not None else None
    )


def _composition(whole: Composition | None) -> Composition | None:
    if whole is None:
        return None
    return _Composition(
        working_set_bytes=whole.working_set_bytes,
        terms=_others(whole.terms),
        residual=Residual(
            low_bytes=whole.residual.low_bytes,
            high_bytes=whole.residual.high_bytes,
            estimate_bytes=whole.residual.estimate_bytes,
            bound_low_bytes=whole.residual.bound_low_bytes,
            bound_high_bytes=whole.residual.bound_high_bytes,
            bound_reason="",
            within_bound=whole.residual.within_bound,
        ),
        undecided=whole.undecided,
        left_out=_others(whole.left_out),
        beside=_others(whole.beside),
        swap_room=whole.swap_room,
    )


def _exact(terms: Sequence[Term]) -> dict[str, int]:
    return {each.term: each.estimate_bytes for each in terms if is_exact(each)}


def _others(terms: Sequence[Term]) -> list[Term]:
    return [_term(each) for each in terms if not is_exact(each)]


def _term(term: Term) -> Term:
    return _Term(
        term=term.term,
        low_bytes=term.low_bytes,
        high_bytes=term.high_bytes,
        estimate_bytes=term.estimate_bytes,
        confidence=term.confidence,
        reclaimable=term.reclaimable,
    )


def _top(top: Top | None) -> Top | None:
    if top is None:
        return None
    return _Top(
        source=top.source,
        timestamp=top.timestamp,
        memory_bytes=top.memory_bytes,
        cpu_nanocores=top.cpu_nanocores,
        provider=top.provider,
        status=top.status,
        detail=top.detail,
        remark=top.remark,
        working_set_at_sample_bytes=top.working_set_at_sample_bytes,
        tolerance_bytes=top.tolerance_bytes,
    )


def _runtime(runtime: Runtime) -> Runtime:
    return _Runtime(
        family=runtime.family,
        handler=runtime.handler,
        runtime_class=runtime.runtime_class,
        confidence=runtime.confidence,
        platforms=runtime.platforms,
        disagreement=runtime.disagreement,
    )


def _statement(said: Statement) -> Statement:
    return _Statement(topic=said.topic, sentence=said.sentence, rank=said.rank)


def _container(container: Container) -> Container:
    return _Container(
        name=container.name,
        role=container.role,
        state=container.state,
        restarts=container.restarts,
        last_termination=container.last_termination,
        waiting=container.waiting,
        inside=container.inside,
        elsewhere=container.elsewhere,
        cgroup=_cgroup(container.cgroup),
    )


def _cgroup(cgroup: Cgroup | None) -> Cgroup | None:
    if cgroup is None:
        return None
    return Cgroup(
        path=cgroup.path,
        inode=cgroup.inode,
        read_at=cgroup.read_at,
        current_bytes=cgroup.current_bytes,
        current_read_at=cgroup.current_read_at,
        max_bytes=cgroup.max_bytes,
    )
