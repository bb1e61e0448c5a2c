"""What Kubernetes says of containers that ended or do not run, held against the kernel's counters. Pure.

Exit codes above 128 are 128 + the signal (the runtime's convention); 137 is SIGKILL, which the OOM killer
sends, and anybody else may. The runtime calls an end OOMKilled when memory.events of the container's cgroup
counted a kill, whichever process it was.
"""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator

from memcollect.documents.snapshot import Container, Finding, Pod, Termination
from memcollect.documents.times import seconds_of
from memcollect.explain.kills.alive import find_alive
from memcollect.explain.kills.before import before_end
from memcollect.explain.kills.counts import gone_kills
from memcollect.join.recognise import VIRTUAL_MACHINES
from memcollect.join.states import was_refused
from memcollect.units import human_bytes
from memcollect_agent.wire import Node

SIGKILL = 9
KILLED_EXIT_CODE = 128 + SIGKILL
OOM_KILLED = "OOMKilled"
NORMAL_WAITING = frozenset({None, "PodInitializing", "ContainerCreating"})
"""Reasons of a container that was not started yet, as every container once is."""
UNKNOWN_END = "ContainerStatusUnknown"
"""The kubelet lost sight of a container, and writes 137 for want of a code."""
USER_SPACE_REMEDY = (
    "A higher limit changes nothing. `{describe}` shows whether a liveness probe failed or a grace"
    " period ran out; on the node, the journal shows systemd-oomd, earlyoom or whoever else sends signals."
)
FROM_USER_SPACE = ": a SIGKILL from user space, for the kernel's OOM killer ended nothing here"
EVICTED_FOR_MEMORY = (
    "A limit does not prevent it: the kubelet evicts pods that use more than they request first. Request what"
    " the pod uses, or give the node more room."
)
EVICTED_FOR_VOLUME = (
    "Raise the volume's sizeLimit, or write less into it; one of `medium: Memory` is charged as memory."
)
_EVICTIONS = (("resource: memory", EVICTED_FOR_MEMORY), ("EmptyDir volume", EVICTED_FOR_VOLUME))
"""What the kubelet writes of an eviction (pkg/kubelet/eviction/helpers.go), and what helps."""
_SIGNALS: dict[int, str] = {each.value: each.name for each in signal.Signals}
_OF_MEMORY: dict[int, str] = {
    signal.SIGBUS: ", which a write to a full /dev/shm or an empty pool of huge pages gives",
    signal.SIGABRT: ", as a program ends itself, for one whose heap is full or that is refused memory",
}
"""Signals that may mean a want of memory which no limit of a cgroup knows of."""
IN_GUEST = "it ran in a virtual machine, whose own kernel may have ended it: no counter on this node tells"


def find_endings(pod: Pod, node: Node | None) -> Iterator[Finding]:
    """Yield what Kubernetes says ended, or keeps from running."""
    if pod.reason is not None:
        yield _pod_reason(pod, pod.reason)
    alive = list(find_alive(pod))
    yield from alive
    living = {each.scope for each in alive}
    for container in pod.containers:
        if container.name in living:
            continue  # it did not end, whatever its status says
        if waits(container):
            yield _waiting(pod, container)
        elif pod.reason is None and container.last_termination is not None:
            yield from _ended(pod, container, container.last_termination, node)


def waits(container: Container) -> bool:
    """Return whether a container should run and does not: neither not started yet, nor through."""
    if container.state != "waiting" or container.waiting is None or _is_again(container):
        return False
    return container.waiting.reason not in NORMAL_WAITING


def _is_again(container: Container) -> bool:
    """Return whether the node has a run of it that is newer than its status."""
    end = container.last_termination
    ended = end.container_id if end is not None else None
    return container.cgroup is not None and None not in (container.id, ended) and container.id != ended


def how_it_ended(end: Termination) -> str:
    """Return the reason and the code as a sentence has them: "OOMKilled (exit code 137)"."""
    named = f", signal {end.signal}" if end.signal else ""
    code = f"{_code(end)}{named}"
    return f"{end.reason} ({code})" if end.reason not in (None, "Error", "Completed") else f"with {code}"


def _code(end: Termination) -> str:
    return "an unknown exit code" if end.exit_code is None else f"exit code {end.exit_code}"


def was_killed(end: Termination) -> bool:
    """Return whether SIGKILL ended it."""
    return end.signal == SIGKILL or end.exit_code == KILLED_EXIT_CODE


def signal_of(end: Termination) -> int | None:
    """Return the signal that ended it, None where none did."""
    if end.signal:
        return end.signal
    return end.exit_code - 128 if end.exit_code is not None and end.exit_code > 128 else None


def why_waiting(container: Container) -> str:
    """Return why a container does not run, and how it last ended, without a full stop."""
    waiting = container.waiting
    reason = (waiting.reason if waiting is not None else None) or "waiting"
    told = f"container {container.name} is not running: {reason}"
    if container.restarts:
        told += f", after {_restarts(container.restarts)}"
    end = container.last_termination
    if end is None:
        message = waiting.message if waiting is not None else None
        return f"{told} ({message.rstrip('. ')})" if message else told
    why = _signal_in_words(end) if signal_of(end) in _OF_MEMORY else ""
    return f"{told}; it last ended {how_it_ended(end)}{why}{_at_limit(container, end)}"


def describe(pod: Pod) -> str:
    """Return the command that shows what Kubernetes knows of a pod."""
    return _of(pod, "kubectl describe pod")


def _of(pod: Pod, command: str) -> str:
    return f"{command} -n {shlex.quote(pod.namespace)} {shlex.quote(pod.name)}" if pod.namespace else command


def _waiting(pod: Pod, container: Container) -> Finding:
    end = container.last_termination
    oom = end is not None and end.reason == OOM_KILLED
    limit = container.limits.get("memory")
    logs = _of(pod, f"kubectl logs --previous -c {shlex.quote(container.name)}")
    remedy = f"See `{logs}` and `{describe(pod)}`."
    by_whom = ""
    if end is not None and not oom and was_killed(end) and end.reason != UNKNOWN_END and gone_kills(pod) == 0:
        by_whom, remedy = FROM_USER_SPACE, USER_SPACE_REMEDY.format(describe=describe(pod))
    if oom and limit:
        remedy = f"{container.name} needs more than its limit of {limit}: raise it, or make it use less."
    elif oom:
        remedy = f"{container.name} has no memory limit of its own: see whose limit was reached."
    return Finding(
        cause="not_running",
        scope=container.name,
        severity="critical" if oom else "warning",
        sentence=f"{_capital(why_waiting(container))}{by_whom}.",
        evidence=_evidence(container),
        remedy=remedy,
    )


def _ended(pod: Pod, container: Container, end: Termination, node: Node | None) -> Iterator[Finding]:
    if end.reason == OOM_KILLED:
        yield from _oom_killed(pod, container, end, node)
    elif end.reason == UNKNOWN_END:
        return
    elif was_killed(end):
        yield from _signalled(pod, container, end, node)
    elif container.restarts and signal_of(end) != signal.SIGTERM:
        yield _restarted(pod, container, end, node)


def _oom_killed(pod: Pod, container: Container, end: Termination, node: Node | None) -> Iterator[Finding]:
    """Yield an end that Kubernetes calls OOMKilled and the pod's counters do not know; else they tell it."""
    counted = gone_kills(pod)
    if counted:
        return
    of_kernel = "" if counted is None else f"; {_why_unknown(pod, container, end, node)}"
    told = f"Container {container.name} last ended {how_it_ended(end)}{_at_limit(container, end)}{of_kernel}."
    limit = container.limits.get("memory")
    yield Finding(
        cause="oom_killed",
        scope=container.name,
        severity="critical",
        confidence="inferred",
        sentence=told,
        evidence=_evidence(container),
        remedy=f"If that was for its limit of {limit}, raise it or make it use less." if limit else "",
    )


def _why_unknown(pod: Pod, container: Container, end: Termination, node: Node | None) -> str:
    if _in_guest(pod):
        return IN_GUEST
    if _before_boot(end, node):
        return "that was before the node was booted, so the pod's counters do not know of it"
    events = pod.cgroup.events if pod.cgroup is not None else None
    which = f" in an earlier run of {container.name}" if (events or {}).get("oom_kill") else ""
    return (
        f"the pod's counters know of no OOM kill{which}: its cgroup was made anew since, or the runtime errs"
    )


def _signalled(pod: Pod, container: Container, end: Termination, node: Node | None) -> Iterator[Finding]:
    """Yield whose SIGKILL it was that Kubernetes does not call OOMKilled."""
    counted = gone_kills(pod)
    ended = f"Container {container.name} last ended with {_code(end)} (SIGKILL)"
    often = f", and was restarted {_times(container.restarts)}" if container.restarts else ""
    if counted is None or _in_guest(pod) or _before_boot(end, node):
        why = "no counters tell why" if counted is None else "the pod's counters do not reach back to it"
        why = IN_GUEST if _in_guest(pod) else why
        yield _killed(container, f"{ended}{often}; {why}.", "inferred", f"See `{describe(pod)}`.")
    elif counted:
        told = (
            f"{ended}{often}; Kubernetes does not call it OOMKilled, but the pod counts OOM kills in"
            " containers that are gone, of which this may be one."
        )
        yield _killed(container, told, "inferred", "See what the OOM killer ended.")
    else:
        told = (
            f"Container {container.name} was ended by SIGKILL ({_code(end)}) from user space"
            f"{often}: the OOM killer ended nothing in an earlier run of it{_far_from_limit(pod)}."
            f"{before_end(pod, container)}"
        )
        yield _killed(container, told, "measured", USER_SPACE_REMEDY.format(describe=describe(pod)))


def _restarted(pod: Pod, container: Container, end: Termination, node: Node | None) -> Finding:
    """Return that it ended by itself: what it held is gone, and its memory began anew.

    A warning where the signal may mean that memory was short, of which the numbers show nothing.
    """
    blind = _in_guest(pod) or _before_boot(end, node) or gone_kills(pod) != 0
    kernel = "" if blind else "; the OOM killer ended nothing in an earlier run of it"
    logs = _of(pod, f"kubectl logs --previous -c {shlex.quote(container.name)}")
    return Finding(
        cause="restarted",
        scope=container.name,
        severity="warning" if signal_of(end) in _OF_MEMORY else "info",
        sentence=f"Container {container.name} was restarted {_times(container.restarts or 0)}, and last ended"
        f" with {_code(end)}{_signal_in_words(end)}{kernel}.",
        evidence=_evidence(container),
        remedy=f"`{logs}` shows what it said last.",
    )


def _signal_in_words(end: Termination) -> str:
    """Return " (SIGSEGV)", with what the signal may mean for memory; "" where none ended it."""
    number = signal_of(end) or 0
    name = _SIGNALS.get(number, f"signal {number}" if end.signal else None)
    return f" ({name}{_OF_MEMORY.get(number, '')})" if name else ""


def _in_guest(pod: Pod) -> bool:
    return pod.runtime is not None and pod.runtime.family in VIRTUAL_MACHINES


def _far_from_limit(pod: Pod) -> str:
    """Return how far below its limit the pod always was; "" where it was not, or has none."""
    peak = pod.cgroup.peak_bytes if pod.cgroup is not None else None
    limit = pod.cgroup.max_bytes if pod.cgroup is not None else None
    if peak is None or not isinstance(limit, int) or peak >= limit:
        return ""
    return f", and the pod never held more than {human_bytes(peak)} of its {human_bytes(limit)}"


def _killed(container: Container, sentence: str, confidence: str, remedy: str) -> Finding:
    return Finding(
        cause="killed",
        scope=container.name,
        severity="warning",
        confidence="measured" if confidence == "measured" else "inferred",
        sentence=sentence,
        evidence=_evidence(container),
        remedy=remedy,
    )


def _pod_reason(pod: Pod, reason: str) -> Finding:
    message = f": {pod.message.rstrip('. ')}" if pod.message else ""
    evicted = reason == "Evicted"
    refused = was_refused(pod)
    remedies = (remedy for words, remedy in _EVICTIONS if evicted and words in (pod.message or ""))
    told = f"The kubelet refused this pod ({reason})" if refused else f"The pod is {pod.phase}, {reason}"
    told = "The kubelet evicted this pod" if evicted else told
    return Finding(
        cause="evicted" if evicted else "pod_reason",
        scope="pod",
        severity="critical" if evicted else "warning",
        sentence=f"{told}{message}.",
        evidence=f"status.reason {reason}",
        remedy=next(remedies, f"See `{describe(pod)}`."),
    )


def _at_limit(container: Container, end: Termination) -> str:
    limit = container.limits.get("memory")
    return f" at a limit of {limit}" if limit and end.reason == OOM_KILLED else ""


def _before_boot(end: Termination, node: Node | None) -> bool:
    """Return whether it ended before the node was booted: no counter reaches further back."""
    boot, ended = node.boot_time if node is not None else None, seconds_of(end.finished_at)
    return boot is not None and ended is not None and ended < boot


def _evidence(container: Container) -> str:
    end = container.last_termination
    parts = [f"restartCount {container.restarts}"] if container.restarts is not None else []
    if container.waiting is not None:
        parts.append(f"waiting {container.waiting.reason}")
    if end is not None:
        ended = end.finished_at or "at an unknown time"
        parts.append(f"ended {ended}: {end.reason}, {_code(end)}")
    return "; ".join(parts)


def _restarts(count: int) -> str:
    return "1 restart" if count == 1 else f"{count} restarts"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
