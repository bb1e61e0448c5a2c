"""The claims guard: rules as data, each with the facts it needs. Pure.

A rule whose fact is not recorded does not hold: nothing is claimed on what nobody wrote down.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from memcollect.compare import grounds
from memcollect.compare.facts import Facts
from memcollect.compare.model import Judgement, PairKind
from memcollect.compare.rule import (
    BACKENDS,
    PHASES,
    SIDES,
    WHOLE_SHARE,
    Outcome,
    Rule,
    both,
    fault,
    listed,
    outweighed,
    same,
)
from memcollect.compare.wording import percent, short_digest
from memcollect.units import human_bytes

LEAST_REPEATS = 3
REST = "rule of what counts as at rest"
ALIKE = 1.02
"""Machines of one kind differ by some megabytes in what their firmware and kernel leave."""


def judge(facts: Facts, kind: PairKind, rules: Iterable[Rule] | None = None) -> list[Judgement]:
    """Return what each rule for that kind of pair says, in the rules' order."""
    return [_judgement(rule, facts) for rule in (RULES if rules is None else rules) if kind in rule.kinds]


def _judgement(rule: Rule, facts: Facts) -> Judgement:
    lacking = facts.lacking(rule.needs)
    if lacking:
        name, reason = lacking[0]
        side = name.partition(".")[0]
        whose = f"the {side}'s" if side in SIDES else "the"
        why = f"{whose} {rule.subject} is not recorded ({reason})"
        return Judgement(rule=rule.name, holds=False, reason=why, missing=name)
    outcome = rule.judge(facts)
    return Judgement(rule=rule.name, holds=outcome.holds, reason=outcome.reason)


def _phase(facts: Facts) -> Outcome:
    for side in SIDES:
        if not facts[f"{side}.phase"]:
            return Outcome(holds=False, reason=f"the phase was not measured on the {side}")
    return Outcome(holds=True, reason="the phase was measured on both sides")


def _backend(facts: Facts) -> Outcome:
    """Judge whether each side is one backend, and not the one that the other is called."""
    for side, other in zip(SIDES, reversed(SIDES), strict=True):
        for what, values in (("backend", facts[f"{side}.called"]), ("runtime", facts[f"{side}.runtime"])):
            if len(values) > 1:
                reason = f"more than one {what} is taken together as the {side}: {listed(values)}"
                return Outcome(holds=False, reason=reason)
        label = facts[f"{side}.label"]
        if label in facts[f"{other}.called"] - facts[f"{side}.called"]:
            reason = f"the {side} is labelled {label}, which is what the {other}'s own run calls it"
            return Outcome(holds=False, reason=reason)
    return Outcome(holds=True, reason="each side is one backend, of one runtime")


def _files(facts: Facts) -> Outcome:
    problems = sorted(facts["baseline.files"] | facts["candidate.files"])
    if problems:
        return Outcome(holds=False, reason=f"not all files are as the run left them: {listed(problems)}")
    return Outcome(holds=True, reason="every file is there")


def _missing(facts: Facts) -> Outcome:
    return fault(facts, "missing", "missing on the {side}: {shown}") or Outcome(
        holds=True, reason="nothing that was asked for is missing"
    )


def _repeats(facts: Facts) -> Outcome:
    before, after = (facts[name] for name in both("repeats"))
    if min(before, after) < LEAST_REPEATS:
        reason = f"too few repeats: {before} and {after}, at least {LEAST_REPEATS} of each are needed"
        return Outcome(holds=False, reason=reason)
    return Outcome(holds=True, reason=f"{before} and {after} repeats")


def _status(facts: Facts) -> Outcome:
    bad = (facts["baseline.status"] | facts["candidate.status"]) - {"ok", "did-not-settle"}
    if bad:
        return Outcome(holds=False, reason=f"the phase did not end well: {listed(bad)}")
    return Outcome(holds=True, reason="the phase ended well in every repeat")


def _earlier(facts: Facts) -> Outcome:
    bad = facts["baseline.earlier"] | facts["candidate.earlier"]
    if bad:
        reason = f"what was done before in the same sandboxes did not end well: {listed(bad)}"
        return Outcome(holds=False, reason=reason)
    return Outcome(holds=True, reason="every phase before it in the same sandboxes ended well")


def _own_pods(facts: Facts) -> Outcome:
    says = "the same pod was measured in several repeats on the {side}, which are none then: {shown}"
    return fault(facts, "shared_pods", says) or Outcome(holds=True, reason="each repeat had pods of its own")


def _killed(facts: Facts) -> Outcome:
    return fault(facts, "killed", "what was held before is gone on the {side}: {shown}") or Outcome(
        holds=True, reason="nothing was restarted or killed for memory"
    )


def _elsewhere(facts: Facts) -> Outcome:
    """Judge whether memory was less, and not merely where it is not counted."""
    says = "a pod holds {most} in swap or hugetlbfs, where nothing counts it"
    return outweighed(facts, "elsewhere", says, "no pod holds memory in swap or hugetlbfs")


def _movement(facts: Facts) -> Outcome:
    """Judge whether the difference is more than what may move while memory counts as at rest."""
    allowed = max(within for name in both("settle_rule") for within, _ in facts[name])
    change = abs(facts["difference"].estimate_bytes)
    shown = f"the difference is {human_bytes(change)}, what may move at rest {human_bytes(allowed)}"
    if change <= allowed:
        return Outcome(holds=False, reason=f"the difference is no larger than what may move at rest: {shown}")
    return Outcome(holds=True, reason=shown)


def _memory_total(facts: Facts) -> Outcome:
    sizes = facts["baseline.memory_total"] | facts["candidate.memory_total"]
    shown = listed(sizes, human_bytes)
    if max(sizes) > ALIKE * min(sizes):
        return Outcome(holds=False, reason=f"nodes of different memory: {shown}")
    return Outcome(holds=True, reason=f"nodes of as much memory: {shown}")


def _settled(facts: Facts) -> Outcome:
    for side in SIDES:
        if facts[f"{side}.settled"] != {True}:
            return Outcome(
                holds=False, reason=f"memory had not come to rest on the {side} when it was measured"
            )
    return Outcome(holds=True, reason="memory had come to rest in every repeat")


def _residual(facts: Facts) -> Outcome:
    largest = max(facts[name] for name in both("residual"))
    change = abs(facts["difference"].estimate_bytes)
    shown = f"the largest residual of a pod is {human_bytes(largest)}, the difference {human_bytes(change)}"
    if largest >= change:
        return Outcome(holds=False, reason=f"the difference is no larger than what is unexplained: {shown}")
    return Outcome(holds=True, reason=shown)


def _interval(facts: Facts) -> Outcome:
    found = facts["difference"]
    if found.low_bytes is None or found.high_bytes is None:
        return Outcome(holds=False, reason="a single repeat has no interval")
    shown = f"{human_bytes(found.low_bytes)} to {human_bytes(found.high_bytes)}"
    if found.low_bytes <= 0 <= found.high_bytes:
        reason = f"the {percent(found.level)} interval of the difference contains 0: {shown}"
        return Outcome(holds=False, reason=reason)
    return Outcome(
        holds=True,
        reason=f"the {percent(found.level)} interval of the difference, {shown}, does not contain 0",
    )


def _whole_pod(facts: Facts) -> Outcome:
    """Judge whether what the containers lost or gained, the pod as a whole did too."""
    claimed, whole = facts["difference"].estimate_bytes, facts["whole_difference"].estimate_bytes
    sign = 1 if claimed >= 0 else -1
    shown = f"{human_bytes(claimed)} in the containers, {human_bytes(whole)} in the pod's whole cgroup"
    if sign * whole < WHOLE_SHARE * abs(claimed):
        reason = f"the pod's whole cgroup did not change as its containers did: {shown}"
        return Outcome(holds=False, reason=reason)
    return Outcome(holds=True, reason=shown)


def _workload(facts: Facts) -> Outcome:
    before, after = (facts[name] for name in both("workload"))
    if len(before | after) == 1:
        trail = next(iter(before))
        return Outcome(holds=True, reason=f"the same workload: {short_digest(trail[-1][1])}")
    if len(before) > 1 or len(after) > 1:
        return Outcome(holds=False, reason="more than one workload within a side")
    known, other = (dict(next(iter(each), ())) for each in (before, after))
    phases = [name for name in dict.fromkeys((*known, *other)) if known.get(name) != other.get(name)]
    where = f" in {listed(phases)}" if phases else ", in another order"
    return Outcome(holds=False, reason=f"different workload{where}: it was not the same work on both sides")


def _rest_of_each(facts: Facts) -> Outcome:
    """Judge whether each side was at rest by one rule.

    Two phases of a run may rest by different ones: a fresh pod is watched for longer, and what either allows
    to move is in the difference's way (`_movement`).
    """
    for side in SIDES:
        if len(facts[f"{side}.settle_rule"]) > 1:
            shown = listed(facts[f"{side}.settle_rule"], _rest, "or")
            return Outcome(holds=False, reason=f"more than one {REST} on the {side}: {shown}")
    shown = listed(facts["baseline.settle_rule"] | facts["candidate.settle_rule"], _rest)
    return Outcome(holds=True, reason=f"at rest by the rule of its own phase: {shown}")


def _evidence(facts: Facts) -> Outcome:
    """Judge by the guide's own rule: nobody may recommend a backend that does not keep what it must.

    It names uploads, outputs, artifacts and isolation. Commands, Files, Cleanup and Operations it only wants
    recorded: a claim about memory stands beside what they do wrong, which the page tells.
    """
    before, after = (facts[name] for name in both("catalogue"))
    faults = facts["candidate.evidence_faults"]
    if before != after:
        return Outcome(holds=False, reason="the two sides were tried by different catalogues of checks")
    silent = facts["candidate.evidence_silent"]
    if silent:
        rows, reasons = silent
        reason = (
            f"what the candidate does with {listed(rows)} is not known ({listed(reasons)}): give the phase"
            " that tries it (do = “evidence”) what it lacks, such as `gateway`, or another `driver`, and run"
            " it again (docs/evidence.md)"
        )
        return Outcome(holds=False, reason=reason)
    if faults:
        return Outcome(holds=False, reason=f"the candidate does not keep the guide's rows: {listed(faults)}")
    return Outcome(holds=True, reason="uploads, artifacts, paths and isolation are as expected")


def _tried_image(facts: Facts) -> Outcome:
    """Judge whether what was tried of a backend is what was measured of it."""
    for side in SIDES:
        tried = facts[f"{side}.tried_image"]
        measured = frozenset(pair for pod in facts[f"{side}.image"] for pair in pod)
        if tried != measured:
            only = (_image(sorted(some)) or "none besides" for some in (tried - measured, measured - tried))
            reason = "what was tried of the {} is another image than was measured: {} against {}"
            return Outcome(holds=False, reason=reason.format(side, *only))
    return Outcome(holds=True, reason="what was tried is the image that was measured")


def _image(value: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {image}" for name, image in value)


def _quantities(value: tuple[tuple[Any, ...], ...]) -> str:
    parts = [
        f"{name} {', '.join(f'{key} {amount}' for key, amount in pairs) or 'none'}" for name, *pairs in value
    ]
    return "; ".join(parts)


def _rest(value: tuple[int, float]) -> str:
    return f"less than {human_bytes(value[0])} in {value[1]:g} s"


RULES = (
    Rule("phase", both("phase"), _phase, "phase"),
    Rule("files", both("files"), _files, "list of files"),
    Rule("missing", both("missing"), _missing, "list of what is missing"),
    Rule("repeats", both("repeats"), _repeats, "number of repeats"),
    Rule("status", both("status"), _status, "outcome"),
    Rule("earlier", both("earlier"), _earlier, "outcome of earlier phases"),
    Rule("own-pods", both("shared_pods"), _own_pods, "identity of pods"),
    Rule("backend", (*both("label"), *both("called"), *both("runtime")), _backend, "backend"),
    Rule("cluster", both("cluster"), grounds.cluster, "cluster"),
    Rule("namespace", both("namespaces"), grounds.namespace, "namespace"),
    Rule("settled", both("settled"), _settled, "settling"),
    same("settle-rule", "settle_rule", REST, _rest, BACKENDS),
    Rule("settle-rule", both("settle_rule"), _rest_of_each, REST, PHASES),
    Rule("workload", both("workload"), _workload, "workload", BACKENDS),
    same("pods", "pods", "number of pods"),
    same("spread", "spread", "number of nodes that the pods were on"),
    Rule("in-the-way", both("in_the_way"), grounds.in_the_way, "list of what is left of deleted sandboxes"),
    same("architecture", "architecture", "CPU architecture"),
    same("kernel", "kernel", "kernel"),
    same("thp", "thp", "transparent huge page setting"),
    same("swap", "swap", "swap"),
    same("ageing", "ageing", "ageing of pages by generations (MGLRU)"),
    same("merging", "merging", "merging of equal pages (KSM)"),
    Rule("node-memory", both("memory_total"), _memory_total, "nodes' memory"),
    same("page-size", "page_size", "page size"),
    same("cpus", "cpus", "number of CPUs"),
    same("cgroup-version", "cgroup_version", "version of cgroups"),
    same("cgroup-driver", "driver", "cgroup driver"),
    same("image", "image", "image", _image),
    same("requests", "requests", "set of requests", _quantities),
    same("limits", "limits", "set of limits", _quantities),
    Rule("enforced-limits", (*both("enforced"), *both("not_in_force")), grounds.enforced, grounds.ENFORCED),
    same("top-provider", "provider", "provider of kubectl top's number"),
    Rule("residual", (*both("residual"), "difference"), _residual, "difference"),
    Rule("killed", both("killed"), _killed, "list of what was killed"),
    Rule("elsewhere", (*both("elsewhere"), "difference"), _elsewhere, "size of what is swapped out"),
    Rule("slowed", both("slowed"), grounds.slowed, "count of events"),
    Rule("reclaimed", (*both("reclaimed"), "difference"), grounds.reclaimed, "size of what was reclaimed"),
    Rule("age", both("ages"), grounds.age, "age of pods", BACKENDS),
    Rule("movement", (*both("settle_rule"), "difference"), _movement, REST),
    Rule("interval", ("difference",), _interval, "difference"),
    Rule(
        "evidence",
        (*both("catalogue"), "candidate.evidence_faults", "candidate.evidence_silent"),
        _evidence,
        "evidence of what it does",
        BACKENDS,
    ),
    Rule(
        "tried-image", (*both("tried_image"), *both("image")), _tried_image, "image that was tried", BACKENDS
    ),
    Rule("whole-pod", ("difference", "whole_difference"), _whole_pod, "charge of the pod's own cgroup"),
)
"""Every demand on a comparison of two sides; all must hold before a difference is claimed."""
