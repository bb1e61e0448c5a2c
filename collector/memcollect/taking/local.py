"""This machine as a source: the agent runs in this process and measures what is here.

Pods where there are some, otherwise containers, otherwise the largest services; or whatever matches the
patterns that were given. A first sample without processes finds out what there is, a second one
measures what was chosen.
"""

from __future__ import annotations

import glob
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from memcollect.errors import UnsupportedError
from memcollect.taking.log_names import names_from_logs
from memcollect.taking.runtime_names import names_from_runtimes
from memcollect_agent.errors import AgentError
from memcollect_agent.errors import UnsupportedError as AgentUnsupportedError
from memcollect_agent.measure.sample import Roots, sample_node
from memcollect_agent.wire import DEFAULT_CEILING_BYTES, NodeSample, Pod, Problem, SampleRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from memcollect.join import LocalNames

LARGEST_SERVICES = 10
SHORTEST_ID = 8
"""Characters of an id that are taken for one; what runtimes print is 12 or 13 long."""
DEMO = "To see memcollect work on a real cgroup v2 kernel on this machine, run: memcollect demo"


@dataclass(frozen=True, kw_only=True)
class LocalRequest:
    """What to measure on this machine, and where its kernel files are."""

    patterns: tuple[str, ...] = ()
    """Shell patterns of names (namespace/pod, pod, container, service), or the beginning of a pod's UID
    or of a container's id; empty: the usual choice."""
    process_limit: int = 0
    mappings: bool = False
    """Whether the mappings of the listed processes are read, too."""
    file_limit: int = 0
    """How many files of each pod to list; 0: none is looked for."""
    sums: bool = True
    """Whether the processes' smaps_rollup is read at all."""
    process_ceiling_bytes: int = DEFAULT_CEILING_BYTES
    time_budget_seconds: float = 10.0
    cgroup_root: str = "/sys/fs/cgroup"
    proc_root: str = "/proc"
    sys_root: str = "/sys"
    log_root: str = "/var/log"
    host_root: str = "/"
    """Where the machine's root directory is: container runtimes keep names below it, and what the sample says
    of paths is said as from there."""


@dataclass(frozen=True)
class LocalMeasure:
    """One machine's sample with the names it knows, and what was chosen and why."""

    sample: NodeSample
    names: LocalNames
    notes: list[str]


@dataclass(frozen=True)
class Survey:
    """What is there to be measured, and the names of it."""

    pods: list[Pod]
    names: LocalNames


def survey(request: LocalRequest) -> Survey:
    """Look at what is on this machine, processes apart.

    Raises UnsupportedError where the memory controller is not on cgroup v2.
    """
    every = SampleRequest(units=["*"], sums=False, sandboxes=True, nested=True)
    sample = _sample(every, _roots(request))
    pods = [*sample.pods, *_of_strays(sample)]
    return Survey(pods, _with_runtimes(names_from_logs(request.log_root), pods, request.host_root))


def measure(request: LocalRequest, found: Survey | None = None) -> LocalMeasure:
    """Measure this machine: of what is there, which may have been `found` before, what was asked for.

    Raises UnsupportedError where the memory controller is not on cgroup v2, or where nothing runs that
    could be measured.
    """
    found = found or survey(request)
    pods, names, roots = found.pods, found.names, _roots(request)
    chosen, notes = choose(pods, request.patterns, names)
    if not chosen and not request.patterns:
        raise UnsupportedError(
            f"Nothing to measure: no pod, container or service has a cgroup below {request.cgroup_root}.",
            DEMO,
        )
    sample = as_seen_from(request.host_root, _only(_sample(_measuring(chosen, request), roots), chosen))
    problems = [*sample.problems, *_unmatched(pods, request.patterns, names)]
    return LocalMeasure(msgspec.structs.replace(sample, problems=problems), names, notes)


def as_seen_from(host_root: str, sample: NodeSample) -> NodeSample:
    """Return the sample of a machine whose root directory is elsewhere, as that machine itself says it."""
    host = host_root.rstrip("/")
    if not host:
        return sample
    text = msgspec.json.encode(sample)
    return msgspec.json.decode(text.replace(msgspec.json.encode(f"{host}/")[1:-1], b"/"), type=NodeSample)


def _roots(request: LocalRequest) -> Roots:
    return Roots(cgroup=request.cgroup_root, proc=request.proc_root, sys=request.sys_root)


def _with_runtimes(names: LocalNames, pods: list[Pod], host_root: str) -> LocalNames:
    """Return the names with those that runtimes know; the kubelet's win."""
    ids = {each.id: each.cgroup.path for pod in pods for each in pod.containers if each.id}
    return replace(names, containers={**names_from_runtimes(ids, host_root), **names.containers})


def choose(pods: list[Pod], patterns: Iterable[str], names: LocalNames) -> tuple[list[Pod], list[str]]:
    """Return which of `pods` (services and containers among them) to measure, and a note on why."""
    patterns = tuple(patterns)
    if patterns:
        return [pod for pod in pods if any(_matches(pod, pattern, names) for pattern in patterns)], []
    kinds = ("pod", "sandbox", "container", "service")
    by_kind = {kind: [pod for pod in pods if pod.kind == kind] for kind in kinds}
    if by_kind["pod"] or by_kind["sandbox"]:
        in_pods = by_kind["pod"] + by_kind["sandbox"]
        # A container that holds pods, as kind's nodes are, would be counted with them once more.
        beside = [each for each in by_kind["container"] if not _holds_one_of(each, in_pods)]
        return in_pods + beside, []
    if by_kind["container"]:
        return by_kind["container"], ["No pods run here: these are the containers of this machine."]
    services = sorted(by_kind["service"], key=lambda pod: -(pod.cgroup.current_bytes or 0))
    largest = services[:LARGEST_SERVICES]
    note = (
        f"No pods or containers run here: these are the {len(largest)} largest of {len(services)} services; "
        "choose others with --match."
    )
    return largest, [note] if largest else []


def _of_strays(survey: NodeSample) -> list[Pod]:
    """Return, to choose among, the pods of which only containers outside of any pod's cgroup are there."""
    known = {pod.uid for pod in survey.pods}
    strays = {each.pod_uid: each for each in survey.strays if each.pod_uid and each.pod_uid not in known}
    return [Pod(uid=uid, cgroup=stray.cgroup, containers=[stray]) for uid, stray in strays.items()]


def _holds_one_of(container: Pod, pods: list[Pod]) -> bool:
    return any(pod.cgroup.path.startswith(f"{container.cgroup.path}/") for pod in pods)


def _sample(request: SampleRequest, roots: Roots) -> NodeSample:
    """Run the agent; what it cannot do at all becomes an error of the collector's tree."""
    try:
        return sample_node(request, roots)
    except AgentUnsupportedError as error:
        sentence = _sentence(error)
        raise UnsupportedError(sentence, "" if "memcollect demo" in sentence else DEMO) from error
    except AgentError as error:
        raise UnsupportedError(f"This machine cannot be measured: {error}.") from error


def _sentence(error: AgentError) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _measuring(chosen: list[Pod], request: LocalRequest) -> SampleRequest:
    return SampleRequest(
        pod_uids=[pod.uid for pod in chosen if pod.kind == "pod"],
        # The names are the machine's own and may hold "*" or "[": here each means itself.
        units=[glob.escape(pod.uid) for pod in chosen if pod.kind not in {"pod", "sandbox"}] or None,
        sandboxes=any(pod.kind == "sandbox" for pod in chosen),
        process_limit=request.process_limit,
        mappings=request.mappings,
        file_limit=request.file_limit,
        process_ceiling_bytes=request.process_ceiling_bytes,
        sums=request.sums,
        time_budget_seconds=request.time_budget_seconds,
    )


def _only(sample: NodeSample, chosen: list[Pod]) -> NodeSample:
    """Return the sample without the sandboxes that were found along with the chosen ones."""
    wanted = {pod.uid for pod in chosen}
    pods = [pod for pod in sample.pods if pod.kind != "sandbox" or pod.uid in wanted]
    return msgspec.structs.replace(sample, pods=pods)


def _matches(pod: Pod, pattern: str, names: LocalNames) -> bool:
    """Return whether the pattern is for this pod: a shell pattern of its name, or its id's beginning."""
    if pod.uid in names.pods:
        namespace, name = names.pods[pod.uid]
        known = [name, f"{namespace}/{name}"]
    else:
        own = names.containers.get(pod.uid)
        known = [pod.name or pod.uid, *([own] if own else [])]
    # No wildcards for ids: "*2" is meant for names, and one id in sixteen ends so too.
    ids = [pod.uid, *(each.id for each in pod.containers if each.id)]
    by_id = len(pattern) >= SHORTEST_ID and any(each.startswith(pattern) for each in ids)
    return by_id or any(fnmatchcase(name, pattern) for name in known)


def _unmatched(pods: list[Pod], patterns: Iterable[str], names: LocalNames) -> list[Problem]:
    """Return a problem for every pattern that nothing matches: asked for, and not measured."""
    return [
        Problem(
            kind="request",
            name=pattern,
            reason="not-found",
            detail="no pod, container or service of this machine matches the pattern",
        )
        for pattern in patterns
        if not any(_matches(pod, pattern, names) for pod in pods)
    ]
