"""Cgroups outside of a pod's own that bear its UID: a container's, or its sandbox's. Pure.

Kata's Go runtime with sandbox_cgroup_only=false (2.3 to 4.1) takes systemd's way to name a container for a
path: the VMM is then in a directory of the root, /kubepods-…-pod<uid>.slice:cri-containerd:<sandbox id>
(src/runtime/pkg/resourcecontrol/cgroups.go, NewSandboxResourceController).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from memcollect.join.recognise import HOLDERS
from memcollect_agent import wire


def with_sandboxes(
    found: wire.Pod, strays: Sequence[wire.Container], known_ids: Collection[str]
) -> tuple[wire.Pod, list[wire.Container]]:
    """Return the pod with those of `strays` outside of it that are its sandbox's, and the other ones.

    A sandbox's bears the pod's UID, holds a Sentry, a VMM or a shim or bears the id of a cgroup that does,
    and is no container that Kubernetes knows (`known_ids`).
    """
    beside = {each.id for each in found.outside if each.role == "overhead"}
    sandboxes = [
        each
        for each in strays
        if each.pod_uid is not None
        and each.id not in known_ids
        and (each.id in beside or any(hint.kind in HOLDERS for hint in each.hints))
    ]
    if not sandboxes:
        return found, list(strays)
    overheads = [msgspec.structs.replace(each, role="overhead") for each in sandboxes]
    pod = msgspec.structs.replace(found, outside=[*overheads, *found.outside])
    return pod, [each for each in strays if all(each is not taken for taken in sandboxes)]
