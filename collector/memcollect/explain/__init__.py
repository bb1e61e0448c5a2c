"""From a raw snapshot document to an explained one. Pure.

`explain` reads nothing but the document, so a saved snapshot can be explained again, offline, by
another version, and its numbers audited.
"""

from __future__ import annotations

import msgspec

from memcollect.accounting.above import Surroundings, cgroups_above, surroundings_of
from memcollect.accounting.composition import combine, compose
from memcollect.accounting.facts import Facts, MissingFactError
from memcollect.accounting.ladder import container_ladder, pod_ladder
from memcollect.accounting.private import private_memory
from memcollect.accounting.scopes import app_facts, container_facts, is_there, pod_facts
from memcollect.documents.snapshot import Composition, Container, Depth, Finding, Pod, Snapshot, Undecided
from memcollect.explain.above import find_above
from memcollect.explain.enforced import find_enforced
from memcollect.explain.engine import find
from memcollect.explain.files import file_sums
from memcollect.explain.findings import rules_for_container, rules_for_pod
from memcollect.explain.holder import holders_in
from memcollect.explain.kills import find_kills
from memcollect.explain.node import explain_accounts
from memcollect.explain.node.short import node_short
from memcollect.explain.overdue import find_overdue
from memcollect.explain.places import find_places
from memcollect.explain.runtimes import find_runtime
from memcollect.explain.statement import Case
from memcollect.explain.summary import summarise
from memcollect.explain.tools import find_tools
from memcollect.explain.verdict import pronounce, statements
from memcollect.join.roles import STEPLESS, app_containers
from memcollect.join.states import has_ended
from memcollect_agent.wire import Node

AHEAD = frozenset({"near_limit", "near_limit_above"})
"""Causes that tell of what comes, which is nothing where nothing runs."""
_GRAVITY = {"critical": 0, "warning": 1, "notice": 2, "info": 3}


def explain(snapshot: Snapshot) -> Snapshot:
    """Return the document with every ladder, composition, finding, verdict and the summary made anew."""
    nodes = {node.name: node for node in snapshot.nodes}
    pods = [explain_pod(pod, nodes.get(pod.node or "")) for pod in snapshot.pods]
    accounts = explain_accounts(snapshot.accounts, snapshot.nodes)
    return msgspec.structs.replace(
        snapshot, pods=pods, accounts=accounts, summary=summarise(pods, snapshot.nodes)
    )


def explain_pod(pod: Pod, node: Node | None, *, depth: Depth = "full") -> Pod:
    """Return one pod, explained by its own numbers and its node's.

    At depth "summary" ladders have rungs and no steps, only the app containers are explained, and findings
    whose words are not in the verdict have none: what terms and verdict rest on is the same.

    One told in summary is explained already, and stays as it is: what it was explained by is not there.
    """
    if pod.summary is not None:
        return pod
    in_full = depth == "full"
    single = pod.kind != "pod" and len(pod.containers) == 1
    app_ids = {id(container) for container in app_containers(pod)}
    around = surroundings_of(pod, node)
    scoped = [
        (container, container_facts(container, node, around.above_container(container, pod)))
        for container in pod.containers
        if in_full or single or id(container) in app_ids
    ]
    by_id = {
        id(container): _explain_container(
            container, facts, steps=in_full and (single or container.role != STEPLESS)
        )
        for container, facts in scoped
    }
    explained = [by_id.get(id(container), container) for container in pod.containers]
    apps = [(container, facts) for container, facts in scoped if id(container) in app_ids]
    compositions = [by_id[id(container)].composition for container, _ in apps if is_there(container)]
    composition = _combined(compositions)
    facts, sums = pod_facts(pod, node, around.above), app_facts(pod, apps)
    findings, undecided = _findings(pod, apps, facts, around, depth)
    pod = msgspec.structs.replace(
        pod,
        containers=explained,
        outside=[_explain_outside(each, node) for each in pod.outside] if in_full else pod.outside,
        composition=composition,
        ladder=explained[0].ladder if single else pod_ladder(facts, sums, pod.top, steps=in_full),
        findings=[*findings, *(node_short(node) if pod.kind == "pod" else [])],
        undecided=undecided,
        file_sums=file_sums(pod),
    )
    said = statements(Case(pod, apps, facts, around.above))
    return msgspec.structs.replace(pod, statements=said, verdict=pronounce(said))


def _explain_outside(container: Container, node: Node | None) -> Container:
    facts = container_facts(container, node, cgroups_above(container.cgroup, node))
    return _explain_container(container, facts, steps=True)


def _explain_container(container: Container, facts: Facts, *, steps: bool) -> Container:
    if container.processes or container.private:
        container = msgspec.structs.replace(container, private=private_memory(container.processes))
    if container.cgroup is None:
        return msgspec.structs.replace(container, ladder=None, composition=None)
    try:
        composition = compose(facts)
    except MissingFactError:
        composition = None
    ladder = container_ladder(facts, container.top, steps=steps)
    return msgspec.structs.replace(container, ladder=ladder, composition=composition)


def _combined(compositions: list[Composition | None]) -> Composition | None:
    known = [composition for composition in compositions if composition is not None]
    return combine(known) if known and len(known) == len(compositions) else None


def _findings(
    pod: Pod,
    apps: list[tuple[Container, Facts]],
    facts: Facts,
    around: Surroundings,
    depth: Depth,
) -> tuple[list[Finding], list[Undecided]]:
    measured, node = pod.cgroup is not None, around.node
    holder, by_container = holders_in(pod)
    findings, undecided = find(rules_for_pod(pod, holder, depth), "pod", facts) if measured else ([], [])
    for container, of_container in apps:
        if container.cgroup is None:
            continue
        rules = rules_for_container(by_container.get(container.name, holder), depth)
        found, open_questions = find(rules, container.name, of_container)
        findings += found
        undecided += [item for item in open_questions if item.name not in {known.name for known in undecided}]
    of_runtime, open_of_runtime = find_runtime(pod)
    findings += of_runtime + find_places(pod) + find_tools(pod)
    of_kills, open_of_kills = find_kills(pod, node, holder)
    findings += [*of_kills, *find_above(around), *find_enforced(pod, node), *find_overdue(pod)]
    undecided += open_of_kills
    undecided += open_of_runtime
    if has_ended(pod):
        findings = [each for each in findings if each.cause not in AHEAD]
    findings.sort(key=lambda each: (_GRAVITY[each.severity], -abs(each.estimate_bytes or 0)))
    return findings, undecided
