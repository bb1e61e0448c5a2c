"""The metrics API: whether kubectl top has numbers, and how old they are."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from memcollect.doctor.checks.clock import offsets
from memcollect.doctor.facts import ClusterFacts, Fault, MetricsSeen, PodsSeen, answered
from memcollect.doctor.result import Finding, Item
from memcollect.doctor.wording import count, few, seconds
from memcollect.documents.snapshot import Missing
from memcollect.join.node_clock import NEVER_SET, NodeClock
from memcollect.sources.metrics import API_DOWN

OLD_SECONDS = 90.0
"""With metrics-server's usual 15 s between scrapes a number is at most about 50 s old."""

_LOGS = "logs -n kube-system deploy/metrics-server --tail=20"
_SERVICE = "get apiservice v1beta1.metrics.k8s.io"


def present(facts: ClusterFacts) -> Finding:
    """Whether the metrics API answers for the chosen namespaces."""
    if isinstance(facts.metrics, Fault):
        return _down(facts, facts.metrics.sentence)
    metrics = answered(facts.metrics)
    if metrics.gaps:
        return _gap(facts, list(metrics.gaps))
    pods = count(len(metrics.timestamps), "pod")
    return Finding(status="ok", sentence=f"metrics.k8s.io answers, with numbers of {pods}.")


def _gap(facts: ClusterFacts, gaps: list[Missing]) -> Finding:
    items = [Item(name=gap.name, status="fail", detail=gap.detail) for gap in gaps]
    if any(gap.reason == "no-metrics-api" for gap in gaps):
        return Finding(
            status="fail",
            sentence="There is no metrics API (metrics.k8s.io): kubectl top has no numbers to compare with.",
            remedy="Install metrics-server:",
            commands=(
                "helm repo add metrics-server https://kubernetes-sigs.github.io/metrics-server",
                "helm upgrade --install metrics-server metrics-server/metrics-server -n kube-system",
            ),
            items=items,
        )
    where = few(gap.name for gap in gaps)
    # The remedy follows; of what the sentence of a snapshot says the rest is left.
    said = gaps[0].detail.removeprefix(API_DOWN).strip(" ()") or gaps[0].detail
    return _down(facts, f"The metrics API is there but gives nothing for {where}: {said}", items)


def _down(facts: ClusterFacts, sentence: str, items: list[Item] | None = None) -> Finding:
    return Finding(
        status="fail",
        sentence=sentence,
        remedy="See what is wrong with metrics-server:",
        commands=[facts.question.kubectl(each) for each in (_SERVICE, _LOGS)],
        items=items or [],
    )


def fresh(facts: ClusterFacts) -> Finding:
    """How old the youngest and the oldest numbers are, each by its own node's clock where that is known."""
    metrics = answered(facts.metrics)
    if not metrics.timestamps:
        return _no_numbers(facts)
    ages = list(_ages(facts, metrics))
    if not ages:
        return Finding(
            status="skipped", sentence="Not checked, because the nodes' clocks were set a moment ago."
        )
    spread = _spread(min(ages), max(ages))
    if max(ages) <= OLD_SECONDS:
        return Finding(status="ok", sentence=f"The numbers are {spread}.")
    late = sum(age > OLD_SECONDS for age in ages)
    return Finding(
        status="warn",
        sentence=(
            f"The numbers are {spread}: those of {count(late, 'pod')} of {len(metrics.timestamps)} are older "
            f"than {OLD_SECONDS:.0f} s."
        ),
        remedy="See whether metrics-server fails to scrape a node:",
        commands=(facts.question.kubectl(_LOGS),),
    )


def _no_numbers(facts: ClusterFacts) -> Finding:
    place = facts.question.place
    running = facts.pods.running if isinstance(facts.pods, PodsSeen) else 0
    if not running:
        return Finding(status="skipped", sentence=f"Not checked, because no pod in {place} has numbers.")
    return Finding(
        status="warn",
        sentence=f"Of {count(running, 'pod')} running in {place} none has numbers.",
        remedy="Younger than a minute they have none yet; otherwise see what metrics-server says:",
        commands=(facts.question.kubectl(_LOGS),),
    )


def _spread(youngest: float, oldest: float) -> str:
    first, last = seconds(youngest), seconds(oldest)
    return f"{last} old" if first == last else f"from {first} to {last} old"


def _ages(facts: ClusterFacts, metrics: MetricsSeen) -> Iterator[float]:
    """Yield how old each pod's numbers are, but of which a clock that was set leaves that open."""
    ahead = {offset.node: offset.middle for offset in offsets(facts)}
    usual = median(ahead.values()) if ahead else 0.0
    clocks = {each.node: NodeClock.of(sample) for each, sample in facts.sampled}
    nodes = facts.pods.nodes if isinstance(facts.pods, PodsSeen) else {}
    for name, stamped in metrics.timestamps.items():
        node = nodes.get(name, "")
        moment = clocks.get(node, NEVER_SET).moment(stamped)
        if moment is not None:
            yield max(0.0, metrics.asked_at + ahead.get(node, usual) - moment)
