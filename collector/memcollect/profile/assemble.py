"""A run's parts put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from memcollect.profile.begun import Begun
from memcollect.profile.evidence.trying import Trier, environment
from memcollect.profile.measuring.gathering import Gatherer
from memcollect.profile.measuring.measurer import Measurer
from memcollect.profile.node_evidence import Nodes
from memcollect.profile.operator import TerminalOperator
from memcollect.profile.reuse import Reuser
from memcollect.profile.runner import Run
from memcollect.profile.sandboxes.cleanup import Cleaner
from memcollect.profile.sandboxes.selected import SelectedSource
from memcollect.profile.tools import Tools, Workshop
from memcollect.sources.agent_pods import Deployment
from memcollect.sources.agents import Limits
from memcollect.sources.deadline import Stopped


@dataclass(frozen=True)
class Asked:
    """How the agents are to be asked, and what ends it."""

    deployment: Deployment
    limits: Limits
    stopped: Stopped


def assembled(
    begun: Begun, workshop: Workshop, tools: Tools, asked: Asked, say: Callable[[str], None]
) -> Run:
    """Return the run, ready to go."""
    source = begun.source
    nodes = Nodes(tools, asked.deployment, asked.limits)
    gatherer = Gatherer(
        source=source,
        workshop=workshop,
        tools=tools,
        record=begun.record,
        ready_within=float(begun.plan.source.ready_within),
        poll=float(begun.plan.poll),
        stopped=asked.stopped,
    )
    operator = TerminalOperator(say)
    return Run(
        plan=begun.plan,
        source=source,
        ordinary=len(source.names) if isinstance(source, SelectedSource) else 1,
        workshop=workshop,
        record=begun.record,
        gatherer=gatherer,
        measurer=Measurer(
            tools=tools,
            record=begun.record,
            nodes=nodes,
            deployment=asked.deployment,
            limits=asked.limits,
            stopped=asked.stopped,
        ),
        cleaner=cleaner_of(begun, workshop, tools, say),
        nodes=nodes,
        operator=operator,
        reuser=Reuser(
            source=source,
            workshop=workshop,
            tools=tools,
            record=begun.record,
            gatherer=gatherer,
            operator=operator,
            stopped=asked.stopped,
        ),
        trier=Trier(
            plan=begun.plan,
            record=begun.record,
            workshop=workshop,
            gatherer=gatherer,
            cleaner=cleaner_of(begun, workshop, tools, say),
            deployment=asked.deployment,
            limits=asked.limits,
            stopped=asked.stopped,
            say=say,
            environ=environment(),
        ),
        stopped=asked.stopped,
        say=say,
    )


def cleaner_of(begun: Begun, workshop: Workshop, tools: Tools, say: Callable[[str], None]) -> Cleaner:
    """Return what deletes the sandboxes of a run."""
    return Cleaner(source=begun.source, workshop=workshop, tools=tools, record=begun.record, say=say)
