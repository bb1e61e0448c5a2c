"""How pods became ready: what the API server wrote, and what was seen by looking again and again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from memcollect.documents.run import Startup
from memcollect.documents.times import seconds_of
from memcollect.kubernetes.objects import Pod
from memcollect.profile.sandboxes.source import Sandbox
from memcollect.sources.plain import plain

_FINISHED = frozenset({"Failed", "Succeeded"})


class Watch:
    """What was seen of some pods, and when, on the clock of whoever looks."""

    def __init__(self, sandboxes: Iterable[Sandbox]) -> None:
        self._left = {each.pod for each in sandboxes}
        self.pods: dict[str, Pod] = {}
        self.uids: dict[str, list[str]] = {}
        """By name, of every pod that has borne it: the last one's last."""
        self.running: dict[str, float] = {}
        self.ready: dict[str, float] = {}
        self.hopeless: dict[str, str] = {}
        self._ended: dict[str, str] = {}

    def see(self, pods: Mapping[str, Pod], at: float) -> None:
        """Note what a look at the moment `at` showed."""
        for name in self._left & pods.keys():
            pod = pods[name]
            if name in self.pods and self.pods[name].metadata.uid != pod.metadata.uid:
                self._forget(name)
            self.pods[name] = pod
            uids = self.uids.setdefault(name, [])
            if pod.metadata.uid not in uids:
                uids.append(pod.metadata.uid)
            if pod.status.phase == "Running":
                self.running.setdefault(name, at)
            if pod.is_ready:
                self.ready.setdefault(name, at)
            elif pod.status.phase in _FINISHED:
                self._ended[name] = f"the pod has ended: {pod.status.phase}{_reason(pod)}"

    def give_up(self, name: str, why: str) -> None:
        """Wait for that pod no more."""
        self.hopeless[name] = why

    @property
    def waiting(self) -> set[str]:
        """The pods that may still become ready."""
        return self._left - self.ready.keys() - self.hopeless.keys() - self._ended.keys()

    def why_not(self, name: str, when: str) -> str:
        """Return why a pod did not become ready; `when` says until when it was waited for."""
        if name in self.hopeless:
            return self.hopeless[name]
        if name in self._ended:
            return self._ended[name]
        pod = self.pods.get(name)
        if pod is None:
            return f"no pod {name} was seen {when}"
        state = pod.status.phase or "Unknown"
        return f"it was not ready {when}: {state}{_reason(pod)}"

    def _forget(self, name: str) -> None:
        """Drop what was true of a pod that another one has taken the place of."""
        for told in (self.running, self.ready, self._ended):
            told.pop(name, None)


def startup(
    sandbox: Sandbox, watch: Watch, *, poll_seconds: float, pulled: bool | None, reason: str = ""
) -> Startup:
    """Return the row of one sandbox."""
    pod = watch.pods.get(sandbox.pod)
    row = Startup(
        pod_uid=sandbox.uid,
        pod=sandbox.pod,
        namespace=sandbox.namespace,
        requested_at=sandbox.requested_at,
        seen_running_at=watch.running.get(sandbox.pod),
        seen_ready_at=watch.ready.get(sandbox.pod),
        poll_seconds=poll_seconds,
        pulled=pulled,
        reason=reason,
    )
    return row if pod is None else _with_api_times(row, pod)


def _with_api_times(row: Startup, pod: Pod) -> Startup:
    started = [
        seconds_of(s.state.running.started_at) for s in pod.status.container_statuses if s.state.running
    ]
    known = [each for each in started if each is not None]
    return Startup(
        pod_uid=pod.metadata.uid,
        pod=pod.metadata.name,
        namespace=row.namespace,
        node=pod.spec.node_name,
        created_at=seconds_of(pod.metadata.creation_timestamp),
        scheduled_at=_since(pod, "PodScheduled"),
        started_at=max(known) if known and len(known) == len(pod.status.container_statuses) else None,
        ready_at=_since(pod, "Ready"),
        requested_at=row.requested_at,
        seen_running_at=row.seen_running_at,
        seen_ready_at=row.seen_ready_at,
        poll_seconds=row.poll_seconds,
        pulled=row.pulled,
        reason=row.reason,
    )


def _since(pod: Pod, kind: str) -> float | None:
    """Return since when a condition holds; of one that does not hold its time says something else."""
    found = [c for c in pod.status.conditions if c.type == kind and c.status == "True"]
    return seconds_of(found[0].last_transition_time) if found else None


def _reason(pod: Pod) -> str:
    waiting = [s.state.waiting.reason for s in pod.status.container_statuses if s.state.waiting]
    found = next((each for each in waiting if each), None) or pod.status.reason
    unscheduled = [
        c.message for c in pod.status.conditions if c.type == "PodScheduled" and c.status == "False"
    ]
    said = found or next((each for each in unscheduled if each), None)
    return f" ({plain(said, 160)})" if said else ""
