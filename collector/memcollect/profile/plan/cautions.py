"""What a plan may say but is probably not meant to: it can be run, and then nothing can be claimed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from memcollect.profile.plan.blocks import blocks
from memcollect.profile.plan.model import UNSEEN, Evidence, Plan, Provisioned, Selected, Wait, is_seen
from memcollect.sources.exposure import is_exposed, place
from memcollect.sources.plain import plain

LEAST_REPEATS = 3
"""Below it `memcollect compare` claims nothing."""
METRICS_SECONDS = 60.0
"""After so long a metrics-server as it is usually set up has a sample of a new pod."""


def cautions(plan: Plan) -> list[str]:
    """Return a sentence for each."""
    sent = [*_secrets_of_the_source(plan), *_secrets_of_the_gateway(plan)]
    if all(isinstance(phase, Evidence) for phase in plan.phases):
        return sent
    if not is_seen(plan.source):
        phases = [each.name for each in plan.phases if not isinstance(each, Evidence)]
        return [*sent, f"{', '.join(phases)} will be skipped: {UNSEEN}."]
    return [*sent, *_repeats(plan), *_new_pods(plan)]


def _secrets_of_the_source(plan: Plan) -> Iterator[str]:
    source = plan.source
    if not isinstance(source, Provisioned) or not source.headers:
        return
    calls = (source.create, source.delete, source.release, source.reuse)
    urls = [call.url for call in calls if call is not None]
    yield from _in_the_clear("source.headers", source.headers, urls)
    places = list(dict.fromkeys(plain(place(url), 80) for url in urls))
    if len(places) > 1:
        names = ", ".join(plain(name, 60) for name in source.headers)
        yield f"source.headers ({names}) are sent to {len(places)} places, all to each: {', '.join(places)}."


def _secrets_of_the_gateway(plan: Plan) -> Iterator[str]:
    told = plan.evidence
    if told.gateway and told.gateway_headers:
        yield from _in_the_clear("evidence.gateway_headers", told.gateway_headers, [told.gateway])


def _in_the_clear(where: str, headers: Iterable[str], urls: Iterable[str]) -> Iterator[str]:
    exposed = dict.fromkeys(plain(place(url), 80) for url in urls if is_exposed(url))
    if exposed:
        yield (
            f"{where} ({', '.join(plain(name, 60) for name in headers)}) would go to {', '.join(exposed)} "
            "unencrypted, for all on the way to read; write https://, or forward its port to this machine."
        )


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
            "API has a sample of them; compare claims nothing unless another phase has one; "
            'write settle = { over = "60s", at_most = "300s" } there.'
        )
