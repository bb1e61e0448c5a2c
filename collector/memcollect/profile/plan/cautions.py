"""What a plan may say but is probably not meant to: it can be run, and then nothing can be claimed. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.profile.plan.blocks import blocks
from memcollect.profile.plan.model import Evidence, Plan, Selected, Wait

LEAST_REPEATS = 3
"""Below it `memcollect compare` claims nothing."""
METRICS_SECONDS = 60.0
"""After so long a metrics-server as it is usually set up has a sample of a new pod."""


def cautions(plan: Plan) -> list[str]:
    """Return a sentence for each."""
    if all(isinstance(phase, Evidence) for phase in plan.phases):
        return []
    return [*_repeats(plan), *_new_pods(plan)]


def _repeats(plan: Plan) -> Iterator[str]:
    if isinstance(plan.source, Selected) and plan.repeats > 1:
        yield (
            f'source.kind = "selector" takes the same pods in all {plan.repeats} repeats, so they are no '
            "repeats of one another and compare claims nothing of them; "
            'use "template" or "provisioner", or repeats = 1.'
        )
    elif not isinstance(plan.source, Selected) and plan.repeats < LEAST_REPEATS:
        yield f"repeats is {plan.repeats}, and compare claims nothing of fewer than {LEAST_REPEATS}."


def _new_pods(plan: Plan) -> Iterator[str]:
    if isinstance(plan.source, Selected) or plan.settle_is_the_sources:
        return
    first = [block.phases[0] for block in blocks(plan) if block.repeat == 1]
    first = [phase for phase in first if not isinstance(phase, Evidence)]
    soon = [
        phase.name
        for phase in first
        if (phase.settle or plan.settle).over + (phase.time if isinstance(phase, Wait) else 0)
        < METRICS_SECONDS
    ]
    if soon:
        yield (
            f"the pods of {' and '.join(dict.fromkeys(soon))} are new and may be measured before the metrics "
            "API has a sample of them, and compare claims nothing then; "
            'write settle = { over = "60s", at_most = "300s" } there.'
        )
