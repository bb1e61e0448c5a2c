"""Where a pod's memory is, other than in the cgroup that Kubernetes gave it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from memcollect.documents.snapshot import Container, Finding, Pod
from memcollect.units import MIB, human_bytes

LEAST_BYTES = MIB
MOST_PARTS = 2
_ID = re.compile(r"[0-9a-f]{32,64}|[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}")


def find_places(pod: Pod) -> list[Finding]:
    """Return what is to be said of where the pod's cgroups are; nothing of an ordinary pod."""
    if pod.kind != "pod":
        return []
    return [finding for rule in (_started, _unknown, _elsewhere, _within, _twins) for finding in rule(pod)]


def _started(pod: Pod) -> Iterator[Finding]:
    started = [each for each in pod.outside if each.role == "started"]
    charge = _charge(started)
    if not started or charge is None:
        return
    paths = ", ".join(short(_path(each)) for each in started[:3]) + (" …" if len(started) > 3 else "")
    what = f"{len(started)} containers" if len(started) > 1 else "a container"
    starter = "Docker" if any(_path(each).startswith("/docker/") for each in started) else "a process"
    yield _finding(
        "started_outside",
        charge,
        f"{human_bytes(charge)} more is charged outside of this pod, to {what} that {starter} in this pod"
        " started"
        f" ({paths}): neither the pod's limit nor kubectl top knows of it.",
        f"memory.current of {', '.join(_path(each) for each in started)}, whose first processes are"
        " children of"
        " this pod's",
        "Let the daemon in the pod put its containers below the pod's own cgroup: a cgroup namespace for"
        " it, or"
        " --cgroup-parent.",
    )


def _unknown(pod: Pod) -> Iterator[Finding]:
    for each in pod.containers:
        charge = _charge([each])
        # Where Kubernetes was not asked, nothing is unknown to it.
        if each.role != "unknown" or pod.phase is None or charge is None or charge < LEAST_BYTES:
            continue
        what = "a container" if each.id else "a cgroup"
        yield _finding(
            "unknown_container",
            charge,
            f"{human_bytes(charge)} more is charged to this pod by {what} that Kubernetes does not know"
            f" ({short(_path(each).rpartition('/')[2])}): the pod's limit counts it, kubectl top does not.",
            f"memory.current of {_path(each)}; no status of the pod has this id",
            "See who put it below the pod's cgroup: docker run --cgroup-parent, crictl, or a restart that"
            " the API"
            " did not tell yet.",
        )


def _elsewhere(pod: Pod) -> Iterator[Finding]:
    found = [each for each in pod.containers if each.elsewhere]
    if found:
        yield _finding(
            "elsewhere",
            None,
            f"Its containers are not in the pod's own cgroup, but at {short(_path(found[0]))}: no limit of"
            " the pod"
            " holds them.",
            f"found by container id: {', '.join(_path(each) for each in found)}",
            "Give kubelet and runtime the same cgroup driver (cgroupDriver, SystemdCgroup).",
        )


def _within(pod: Pod) -> Iterator[Finding]:
    if pod.within:
        yield _finding(
            "within",
            None,
            f"It runs inside of another pod ({short(pod.within)}), whose numbers and limit hold it, too.",
            f"{pod.cgroup.path if pod.cgroup else 'its cgroup'} is below {pod.within}",
            severity="notice",
        )


def _twins(pod: Pod) -> Iterator[Finding]:
    if pod.twins and pod.cgroup is not None:
        yield _finding(
            "twins",
            None,
            f"A second cgroup bears this pod's UID ({short(pod.twins[0])}) and is not counted: the numbers"
            " are of"
            f" {short(pod.cgroup.path)}.",
            ", ".join(pod.twins[:5]),
            "Look for a second kubelet, or what one has left behind.",
        )


def _finding(  # noqa: PLR0913, PLR0917 - what a finding is made of
    cause: str,
    charge: int | None,
    sentence: str,
    evidence: str,
    remedy: str = "",
    severity: Literal["notice", "warning"] = "warning",
) -> Finding:
    return Finding(
        cause=cause,
        scope="pod",
        low_bytes=charge,
        high_bytes=charge,
        estimate_bytes=charge,
        severity=severity,
        sentence=sentence,
        evidence=evidence,
        remedy=remedy,
    )


def _charge(containers: list[Container]) -> int | None:
    charges = [each.cgroup.current_bytes for each in containers if each.cgroup is not None]
    known = [charge for charge in charges if charge is not None]
    return sum(known) if len(known) == len(containers) else None


def _path(container: Container) -> str:
    return container.cgroup.path if container.cgroup is not None else container.name


def short(path: str) -> str:
    """Return a path for a sentence: ids as short as people know them, and its beginning left out."""
    text = _ID.sub(lambda match: f"{match[0][:12]}…", path)
    parts = text.strip("/").split("/")
    return text if len(parts) <= MOST_PARTS else "…/" + "/".join(parts[-MOST_PARTS:])
