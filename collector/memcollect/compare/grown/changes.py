"""The numbers of a growth. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from memcollect.compare.boots import rebooted
from memcollect.compare.grown.contents import file_changes, mapping_changes, mappings_are_whole
from memcollect.compare.grown.matching import matched
from memcollect.compare.grown.services import services_off
from memcollect.compare.growth import Growth, MatchedBy, PodChange, ProcessChange, TermChange
from memcollect.compare.inputs import Document
from memcollect.compare.processes import lists_all
from memcollect.compare.values import CHARGE, HEADLINE, RESIDUAL, TOTALS, Known, pod_values
from memcollect.documents.snapshot import Pod, Snapshot
from memcollect.documents.times import taken_at
from memcollect.join.roles import app_containers

NOT_MEASURED = "it was not measured"


def growth_of(documents: Sequence[Document]) -> Growth | None:
    """Return what grew between two documents, None where they are no two moments of the same pods.

    They are where both are single snapshots that nobody labelled, and at least one pod is in both.
    """
    moments = [(document.name, each) for document in documents for each in document.snapshots.values()]
    if len(moments) != 2 or any(each.manifest is not None or each.label for each in documents):
        return None
    (before, earlier), (after, later) = sorted(moments, key=lambda each: taken_at(each[1]))
    found = matched(earlier.pods, later.pods, one_cluster=_is_one_cluster(earlier, later))
    if not any(rule != "owner" for _, _, rule in found.pairs):
        return None
    listed = earlier.scope.processes and later.scope.processes
    pods = [
        _with_contents(_change(old, new, rule, listed=listed), old, new) for old, new, rule in found.pairs
    ]
    return Growth(
        before=before,
        after=after,
        seconds=taken_at(later) - taken_at(earlier),
        given_reversed=before != moments[0][0],
        pods=sorted(pods, key=_weight),
        rebooted=rebooted((node.name, node.boot_id) for node in (*earlier.nodes, *later.nodes)),
        only_before=sorted(pod.full_name for pod in found.only_before),
        only_after=sorted(pod.full_name for pod in found.only_after),
    )


def _is_one_cluster(earlier: Snapshot, later: Snapshot) -> bool:
    """Return whether both are of one cluster; it may have two names, in two people's kubeconfigs."""
    boots = [{node.boot_id for node in each.nodes if node.boot_id} for each in (earlier, later)]
    names = {each.cluster for each in (earlier, later) if each.cluster}
    return len(names) < 2 or not boots[0].isdisjoint(boots[1])


def _weight(change: PodChange) -> tuple[bool, int, str]:
    known = change.working_set_change_bytes
    return (known is None, -abs(known or 0), change.pod)


def _change(old: Pod, new: Pod, rule: MatchedBy, *, listed: bool) -> PodChange:
    before, after = pod_values(old), pod_values(new)
    reason = _why(before.get(HEADLINE, NOT_MEASURED), after.get(HEADLINE, NOT_MEASURED))
    return PodChange(
        pod=new.full_name,
        was=old.full_name if old.full_name != new.full_name else "",
        matched_by=rule,
        node=new.node,
        working_set_before_bytes=_known(before.get(HEADLINE)),
        working_set_after_bytes=_known(after.get(HEADLINE)),
        working_set_change_bytes=_difference(before.get(HEADLINE), after.get(HEADLINE)),
        charge_change_bytes=_difference(before.get(CHARGE), after.get(CHARGE)),
        restarts=max(0, _restarts(new) - _restarts(old)),
        terms=[] if reason else _terms(before, after),
        processes=_processes(old, new) if listed else [],
        processes_whole=listed and all(lists_all(each) for pod in (old, new) for each in app_containers(pod)),
        reason=reason,
    )


def _with_contents(change: PodChange, old: Pod, new: Pod) -> PodChange:
    return msgspec.structs.replace(
        change,
        files=file_changes(old, new),
        mappings=mapping_changes(old, new) if _has_mappings(old) and _has_mappings(new) else [],
        mappings_whole=mappings_are_whole(old) and mappings_are_whole(new),
        services_off=services_off(old, new),
    )


def _has_mappings(pod: Pod) -> bool:
    return any(each.private for each in app_containers(pod))


def _known(value: Known | None) -> int | None:
    return value if isinstance(value, int) else None


def _difference(before: Known | None, after: Known | None) -> int | None:
    return after - before if isinstance(before, int) and isinstance(after, int) else None


def _why(before: Known, after: Known) -> str:
    """Return why one of the two is not known; empty where both are."""
    if isinstance(before, str):
        return f"before: {before}"
    return f"after: {after}" if isinstance(after, str) else ""


def _terms(before: dict[str, Known], after: dict[str, Known]) -> list[TermChange]:
    """Return the terms that changed or are not known, the largest change first and the residual last."""
    names = [name for name in dict.fromkeys((*before, *after)) if name not in TOTALS]
    changes = [_term(name, before.get(name, 0), after.get(name, 0)) for name in names]
    told = [each for each in changes if each.change_bytes != 0 or each.reason]
    return sorted(told, key=lambda each: (each.term == RESIDUAL, -abs(each.change_bytes or 0), each.term))


def _term(name: str, before: Known, after: Known) -> TermChange:
    return TermChange(
        term=name,
        before_bytes=_known(before),
        after_bytes=_known(after),
        change_bytes=_difference(before, after),
        reason=_why(before, after),
    )


def _restarts(pod: Pod) -> int:
    if pod.summary is not None:
        return pod.summary.restarts
    return sum(each.restarts or 0 for each in pod.containers)


def _processes(old: Pod, new: Pod) -> list[ProcessChange]:
    before, after = _by_name(old), _by_name(new)
    changes = [
        ProcessChange(
            container=container,
            name=name,
            count_before=len(before.get((container, name), ())),
            count_after=len(after.get((container, name), ())),
            change_bytes=_difference(
                _total(before.get((container, name), ())), _total(after.get((container, name), ()))
            ),
        )
        for container, name in sorted({*before, *after})
    ]
    told = [each for each in changes if each.change_bytes != 0 or each.count_before != each.count_after]
    return sorted(told, key=lambda each: (-abs(each.change_bytes or 0), each.container, each.name))


def _by_name(pod: Pod) -> dict[tuple[str, str], list[int | None]]:
    """Return the PSS of each process by container and name."""
    found: defaultdict[tuple[str, str], list[int | None]] = defaultdict(list)
    for container in app_containers(pod):
        for process in container.processes:
            found[container.name, process.comm].append(process.pss_bytes)
    return found


def _total(sizes: Iterable[int | None]) -> int | None:
    listed = list(sizes)
    known = [each for each in listed if each is not None]
    return sum(known) if len(known) == len(listed) else None
