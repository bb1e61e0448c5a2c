"""What an account needs to know of a pod: from the API's object, its quantities in bytes."""

from __future__ import annotations

from collections.abc import Iterable

from memcollect.documents.snapshot import KnownPod
from memcollect.kubernetes import objects as kube
from memcollect.sources.quantities import QuantityError, whole


def known_pod(pod: kube.Pod) -> KnownPod:
    """Return what of a pod decides who goes first, and what names its cgroup."""
    status = pod.status
    return KnownPod(
        uid=pod.cgroup_uid,
        namespace=pod.metadata.namespace,
        name=pod.metadata.name,
        phase=status.phase,
        qos_class=status.qos_class,
        priority=pod.spec.priority or 0,
        is_static=pod.metadata.annotations.config_source in kube.MIRROR_SOURCES
        or pod.metadata.annotations.config_mirror is not None,
        request_bytes=request_bytes(pod.spec),
        evicted=(status.message or "evicted") if status.reason == "Evicted" else "",
        oom_killed=list(_oom_killed(status)),
    )


def request_bytes(spec: kube.PodSpec) -> int | None:
    """Return the memory that a pod requests, as the scheduler counts it; None where one is no quantity.

    Sidecars (init containers that are restarted always) run beside the app containers, and beside the init
    containers that come after them (k8s.io/component-helpers, resource/helpers.go).
    """
    try:
        sidecars = largest_init = 0
        for each in spec.init_containers:
            request = _memory(each)
            if each.restart_policy == "Always":
                sidecars += request
                largest_init = max(largest_init, sidecars)
            else:
                largest_init = max(largest_init, sidecars + request)
        apps = sidecars + sum(map(_memory, spec.containers))
        overhead = whole(spec.overhead["memory"]) if "memory" in spec.overhead else 0
    except QuantityError:
        return None
    return max(apps, largest_init) + overhead


def _memory(container: kube.ContainerSpec) -> int:
    resources = container.resources
    # The API server fills a missing request with the limit; a pod of a file source may come without.
    text = resources.requests.get("memory") or resources.limits.get("memory")
    return whole(text) if text else 0


def _oom_killed(status: kube.PodStatus) -> Iterable[str]:
    for each in (*status.init_container_statuses, *status.container_statuses):
        for state in (each.state, each.last_state):
            ended = state.terminated
            if ended is not None and ended.reason == "OOMKilled":
                yield f"{each.name} at {ended.finished_at or 'an unknown time'}"
