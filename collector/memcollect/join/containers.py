"""The containers that Kubernetes describes, with the cgroups that the node measured. Pure.

Matched by id. What is left over on either side is the pause container, a container that was restarted
between the two reads, or missing.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

import msgspec
from msgspec import Struct

from memcollect.documents.snapshot import Container, Missing
from memcollect.join.states import started_at, termination_of, waiting_of
from memcollect.kubernetes import objects as kube
from memcollect.kubernetes.quantities import number_of
from memcollect_agent import wire

NOT_STARTED_YET = frozenset({None, "PodInitializing", "ContainerCreating"})
"""Why a container waits that nothing is wrong with."""
NO_CGROUP = "no-cgroup"
"""Why something that Kubernetes says runs was not measured, as far as one node knows."""


class Described(Struct, frozen=True, gc=False):
    """One container as Kubernetes describes it: its spec, its status if there is one, and its role."""

    spec: kube.ContainerSpec
    status: kube.ContainerStatus | None
    role: str

    @property
    def runs(self) -> bool:
        """Whether the kubelet says that it runs."""
        return self.status is not None and self.status.state.running is not None

    @property
    def should_run(self) -> bool:
        """Whether it waits although it was started before, or could not be: it crashes, or has no image."""
        waiting = self.status.state.waiting if self.status is not None else None
        return waiting is not None and waiting.reason not in NOT_STARTED_YET

    @property
    def has_ended(self) -> bool:
        """Whether it is an init or ephemeral container that is through, and will not be started again."""
        ended = self.status.state.terminated if self.status is not None else None
        return self.role != "container" and ended is not None and ended.exit_code == 0


def described(pod: kube.Pod) -> Iterator[Described]:
    """Yield every container of the pod; an init container that restarts always is a sidecar, so an app's."""
    groups = (
        (pod.spec.containers, pod.status.container_statuses, "container"),
        (pod.spec.init_containers, pod.status.init_container_statuses, "init"),
        (pod.spec.ephemeral_containers, pod.status.ephemeral_container_statuses, "ephemeral"),
    )
    for specs, statuses, role in groups:
        if not specs:
            continue
        by_name = {status.name: status for status in statuses}
        for spec in specs:
            sidecar = role == "init" and spec.restart_policy == "Always"
            yield Described(spec, by_name.get(spec.name), "container" if sidecar else role)


def join_containers(
    pod: kube.Pod,
    measured: Sequence[wire.Container],
    inside: str = "",
    strays: Sequence[wire.Container] = (),
) -> tuple[list[Container], list[Missing]]:
    """Return the pod's containers, then the cgroups that nobody describes; and what is missing.

    `strays` are those of `measured` that are outside of the pod's own cgroup.
    `inside`: why containers may have no cgroup on the host (they live in a guest), and are not missing.
    """
    by_id = {each.id: each for each in measured if each.id is not None and each.role != "conmon"}
    wanted = list(described(pod))
    matched = {
        each.spec.name: by_id[each.status.runtime_id]
        for each in wanted
        if each.status is not None and each.status.runtime_id in by_id
    }
    left = [c for c in measured if all(c is not taken for taken in matched.values())]
    restarted = _restarted(wanted, matched, left)
    matched |= restarted
    left = [c for c in left if all(c is not taken for taken in restarted.values())]
    containers = [_container(each, matched.get(each.spec.name), inside) for each in wanted]
    missing = (
        []
        if inside
        else [_missing(pod, each) for each in wanted if each.runs and each.spec.name not in matched]
    )
    asleep = [_not_running(pod, each) for each in wanted if each.should_run and each.spec.name not in matched]
    containers += [_undescribed(c, is_pause=not missing and _is_alone(c, left)) for c in left]
    paths = {each.cgroup.path for each in strays}
    return [_placed(each, paths) for each in containers], missing + asleep


def _placed(container: Container, elsewhere: set[str]) -> Container:
    if container.cgroup is None or container.cgroup.path not in elsewhere:
        return container
    return msgspec.structs.replace(container, elsewhere=True)


def _restarted(
    wanted: Sequence[Described], matched: dict[str, wire.Container], left: Sequence[wire.Container]
) -> dict[str, wire.Container]:
    """Return the one container whose old id the API still shows, with the one cgroup that can be its new."""
    without = [each for each in wanted if each.spec.name not in matched and not each.has_ended]
    candidates = [c for c in left if c.role == "container" and c.id is not None]
    pause_is_elsewhere = any(c.role in {"pause", "sandbox"} for c in left)
    if len(without) == len(candidates) == 1 and pause_is_elsewhere:
        return {without[0].spec.name: candidates[0]}
    return {}


def _container(each: Described, measured: wire.Container | None, inside: str) -> Container:
    spec, status = each.spec, each.status
    resources = status.resources if status is not None and status.resources is not None else spec.resources
    limits = _as_written(resources.limits, spec.resources.limits)
    return Container(
        name=spec.name,
        id=measured.id if measured is not None else (status.runtime_id if status is not None else None),
        role=each.role,
        state=_state(status),
        image=spec.image or None,
        image_id=(status.image_id or None) if status is not None else None,
        requests=_as_written(resources.requests, spec.resources.requests),
        limits=limits,
        wanted_limits=spec.resources.limits if limits != spec.resources.limits else {},
        restarts=status.restart_count if status is not None else None,
        last_termination=termination_of(status),
        waiting=waiting_of(status),
        # One that was restarted meanwhile is matched by what is left over, and the status is the old run's.
        started_at=started_at(status) if measured is None or _is_of(status, measured) else None,
        cgroup=measured.cgroup if measured is not None else None,
        sums=measured.sums if measured is not None else None,
        processes=measured.processes if measured is not None else [],
        hints=measured.hints if measured is not None else [],
        inside=inside if measured is None and each.runs else "",
    )


def _as_written(in_force: dict[str, str], wanted: dict[str, str]) -> dict[str, str]:
    """Return what is in force, by the spec's words where it is the same.

    The kubelet writes the status from the runtime's numbers: of 500M it says 500000000.
    """
    return {name: _same_of(text, wanted.get(name, text)) for name, text in in_force.items()}


def _same_of(text: str, wanted: str) -> str:
    number = number_of(text)
    return wanted if number is not None and number == number_of(wanted) else text


def _is_of(status: kube.ContainerStatus | None, measured: wire.Container) -> bool:
    return status is not None and status.runtime_id in (None, measured.id)


def _is_alone(measured: wire.Container, left: Sequence[wire.Container]) -> bool:
    """Return whether it is the only container left over; CRI-O's monitors are none."""
    return not any(each is not measured and each.role in {"container", "pause", "sandbox"} for each in left)


def _undescribed(measured: wire.Container, *, is_pause: bool) -> Container:
    """Return a cgroup that no status names.

    `is_pause`: every container that runs has its own, so the only one left is the sandbox's, whatever
    runs in it.
    """
    role = "pause" if measured.role == "container" and is_pause else measured.role
    if role == "container":
        role = "unknown"
    leaf = measured.cgroup.path.rsplit("/", 1)[-1]
    return Container(
        name=role if role in {"pause", "sandbox"} else measured.id[:12] if measured.id else leaf,
        id=measured.id,
        role=role,
        cgroup=measured.cgroup,
        sums=measured.sums,
        processes=measured.processes,
        hints=measured.hints,
    )


def outside_of(pod: wire.Pod | None) -> list[Container]:
    """Return the cgroups outside the pod's own that belong to it, named by where they are."""
    return [
        Container(
            name=each.cgroup.path.strip("/").split("/")[0],
            id=each.id,
            role=each.role,
            cgroup=each.cgroup,
            sums=each.sums,
            processes=each.processes,
            hints=each.hints,
        )
        for each in (pod.outside if pod is not None else [])
    ]


def _state(status: kube.ContainerStatus | None) -> str | None:
    if status is None:
        return None
    state = status.state
    if state.running is not None:
        return "running"
    return "terminated" if state.terminated is not None else "waiting"


def describe(pod: kube.Pod) -> str:
    """Return the command that shows what Kubernetes knows of a pod."""
    return f"kubectl describe pod -n {shlex.quote(pod.metadata.namespace)} {shlex.quote(pod.metadata.name)}"


def _not_running(pod: kube.Pod, each: Described) -> Missing:
    waiting = each.status.state.waiting if each.status is not None else None
    end = termination_of(each.status)
    last = f", it last ended {end.reason} (exit code {end.exit_code})" if end is not None else ""
    return Missing(
        kind="container",
        name=f"{pod.qualified_name}/{each.spec.name}",
        node=pod.spec.node_name,
        reason="not-running",
        detail=f"it does not run: {waiting.reason if waiting else ''}{last}; see `{describe(pod)}`",
    )


def _missing(pod: kube.Pod, each: Described) -> Missing:
    return Missing(
        kind="container",
        name=f"{pod.qualified_name}/{each.spec.name}",
        node=pod.spec.node_name,
        reason=NO_CGROUP,
        detail="it ran when the pods were listed, and its node has no cgroup of its id",
    )
