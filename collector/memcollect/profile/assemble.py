"""A run's parts put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from memcollect.profile.actions import Stopped
from memcollect.profile.begun import Begun
from memcollect.profile.measuring.gathering import Gatherer
from memcollect.profile.measuring.measurer import Measurer
from memcollect.profile.measuring.node_evidence import Nodes
from memcollect.profile.operator import TerminalOperator
from memcollect.profile.reuse import Reuser
from memcollect.profile.runner import Run
from memcollect.profile.sandboxes.cleanup import Cleaner
from memcollect.profile.sandboxes.selected import SelectedSource
from memcollect.profile.tools import Tools, Workshop
from memcollect.sources.agent_pods import Deployment
from memcollect.sources.agents import Limits
from memcollect.sources.descriptors import most_workers


def assembled(  # noqa: PLR0913, PLR0917 # a run is made of this many parts
    begun: Begun,
    workshop: Workshop,
    tools: Tools,
    options: dict[str, Any],
    stopped: Stopped,
    say: Callable[[str], None],
) -> Run:
    """Return the run, ready to go; `options` are those of the command."""
    deployment = Deployment(
        namespace=options["agent_namespace"], selector=options["agent_selector"], port=options["agent_port"]
    )
    limits = Limits(
        concurrency=min(options["concurrency"], most_workers()),
        timeout=options["timeout"],
        process_ceiling_bytes=options["process_ceiling"],
    )
    source = begun.source
    nodes = Nodes(tools, deployment, limits)
    gatherer = Gatherer(
        source=source,
        workshop=workshop,
        tools=tools,
        record=begun.record,
        ready_within=float(begun.plan.source.ready_within),
        poll=float(begun.plan.poll),
        stopped=stopped,
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
            deployment=deployment,
            limits=limits,
            stopped=stopped,
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
            stopped=stopped,
        ),
        stopped=stopped,
        say=say,
    )


def cleaner_of(begun: Begun, workshop: Workshop, tools: Tools, say: Callable[[str], None]) -> Cleaner:
    """Return what deletes the sandboxes of a run."""
    return Cleaner(source=begun.source, workshop=workshop, tools=tools, record=begun.record, say=say)
