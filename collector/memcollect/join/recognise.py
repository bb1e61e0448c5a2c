"""Which sandbox runtime a pod has, by what Kubernetes says and by what its node shows. Pure.

Each side alone may mislead (a class may be mapped to another handler, a process may bear any name), so
both are evidence, and where they contradict each other that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from memcollect.documents.snapshot import Confidence, Runtime
from memcollect.join.runtimes import runtime_of
from memcollect.kubernetes import objects as kube
from memcollect_agent import wire

SANDBOXED = frozenset({"gvisor", "kata", "firecracker", "cube", "vm"})
"""Families whose guests the host cannot look into."""
HOLDERS = frozenset({"sentry", "vmm", "kata-shim", "cube-shim"})
"""Kinds of processes that may hold a guest's memory."""
VIRTUAL_MACHINES = SANDBOXED - {"gvisor"}
OF_A_RUNTIME = frozenset({"gvisor", "kata", "cube"})
"""Families that are told by processes of the container runtime; a machine monitor a workload may run, too."""
IN_GUEST = (
    "the host has no cgroup of this container: it runs inside the virtual machine, whose composition is not"
    " visible from the host"
)
IN_SENTRY = (
    "gVisor made no cgroup for this container alone: all of the sandbox is charged where its Sentry is"
)
_OF_KIND = {
    "sentry": "gvisor",
    "sentry-stub": "gvisor",
    "gofer": "gvisor",
    "kata-shim": "kata",
    "cube-shim": "cube",
}
_OF_PLACE = {"kata": "kata", "cube": "cube", "e2b": "firecracker", "firecracker": "firecracker"}
_STRONGEST = ("gvisor", "cube", "kata", "firecracker", "vm")
NAMES = {
    "gvisor": "gVisor",
    "kata": "Kata",
    "firecracker": "Firecracker",
    "cube": "CubeSandbox",
    "vm": "a virtual machine",
}
_LABELS = (
    ("opensandbox", "opensandbox.io"),
    ("agent-sandbox", "agents.x-k8s.io"),
)
"""Platforms by what the domain of one of their labels ends in, or the group of the owner's kind is."""
_DEER_FLOW = ("app", "deer-flow-sandbox")


def runtime_of_pod(pod: kube.Pod, handler: str | None, found: wire.Pod | None) -> Runtime:
    """Return the runtime by both sides; `found` is None where the node did not measure the pod."""
    declared = runtime_of(pod.spec.runtime_class_name, handler)
    platforms = dict(_platforms(pod.metadata.labels, pod.metadata.owner_references))
    evidence = [*declared.evidence, *platforms.values()]
    declared = msgspec.structs.replace(declared, platforms=list(platforms), evidence=evidence)
    return declared if found is None else _both(declared, found)


def runtime_on_node(found: wire.Pod) -> Runtime:
    """Return the runtime as far as the node alone shows it."""
    family, evidence = _shown(found)
    if family is None:
        return Runtime()
    platforms = ["e2b"] if any(each.runtime == "e2b" for each in found.containers) else []
    return Runtime(family=family, evidence=evidence, platforms=platforms)


def inside_of(runtime: Runtime, found: wire.Pod | None) -> str:
    """Return why a container of this pod may have no cgroup on the host; "" where it must have one."""
    # A pod that names no class has the node's default runtime, which may be one of these.
    is_default = runtime.runtime_class is None and runtime.family in OF_A_RUNTIME
    if found is None or (runtime.disagreement and not is_default):
        return ""
    if runtime.family == "gvisor":
        # A class alone may be mapped to any handler: the Sentry must have been seen in this very pod.
        return IN_SENTRY if _shown(found)[0] == "gvisor" else ""
    return IN_GUEST if runtime.family in VIRTUAL_MACHINES else ""


def all_hints(found: wire.Pod) -> list[wire.Hint]:
    """Return every process of a sandbox runtime that belongs to the pod, wherever its cgroup is."""
    return [*found.own_hints, *(hint for each in _scopes(found) for hint in each.hints)]


def _scopes(found: wire.Pod) -> list[wire.Container]:
    return [*found.containers, *found.outside]


def _both(declared: Runtime, found: wire.Pod) -> Runtime:
    family, evidence = _shown(found)
    told = [*declared.evidence, *evidence]
    if family is None:
        contradiction = _absence(declared, found)
        return msgspec.structs.replace(declared, evidence=told, disagreement=contradiction)
    agree = family == declared.family or {family, declared.family} <= {"vm", "kata", "firecracker"}
    confidence: Confidence = "measured" if agree else "inferred"
    if agree:
        family = declared.family
    return msgspec.structs.replace(
        declared,
        family=family,
        confidence=confidence,
        evidence=told,
        disagreement="" if agree else _contradiction(declared, family, evidence),
    )


def _shown(found: wire.Pod) -> tuple[str | None, list[str]]:
    """Return the family that the node's processes and cgroups show, None for none, and the evidence."""
    evidence: dict[str, list[str]] = {}
    for hint in all_hints(found):
        family = _OF_KIND.get(hint.kind) or _of_vmm(hint)
        if family:
            evidence.setdefault(family, []).append(_of_hint(hint))
    for scope in _scopes(found):
        if family := _OF_PLACE.get(scope.runtime or ""):
            evidence.setdefault(family, []).append(f"cgroup {scope.cgroup.path}")
    if not evidence:
        return None, []
    best = next((family for family in _STRONGEST if family in evidence), None)
    return best, [words for family in _STRONGEST for words in _first(evidence.get(family, []))]


def _first(words: list[str], most: int = 3) -> list[str]:
    return words[:most] + ([f"and {len(words) - most} more of the kind"] if len(words) > most else [])


def _of_vmm(hint: wire.Hint) -> str | None:
    if hint.kind not in {"vmm", "jailer"}:
        return None
    return "firecracker" if hint.kind == "jailer" or hint.program == "firecracker" else "vm"


def _of_hint(hint: wire.Hint) -> str:
    names = {region.name for region in hint.regions if region.backing == "memfd"}
    maps = f", maps the memfd {min(names)}" if names else ""
    return f"process {hint.pid} is {hint.program} ({hint.kind}, by its {hint.by}){maps}"


def _contradiction(declared: Runtime, family: str, evidence: list[str]) -> str:
    shown = f"its node shows {NAMES[family]}: {evidence[0]}"
    if declared.runtime_class is None:
        return f"The pod names no RuntimeClass, but {shown}; it may be the node's default runtime."
    says = NAMES.get(declared.family, declared.family)
    handler = declared.handler or "unknown"
    return f"RuntimeClass {declared.runtime_class} (handler {handler}) says {says}, but {shown}."


def _absence(declared: Runtime, found: wire.Pod) -> str:
    """Return the contradiction of a class that says sandboxed over processes that run as anywhere else."""
    apps = [each for each in found.containers if each.role == "container" and each.sums.listed]
    if declared.family not in SANDBOXED or not apps:
        return ""
    return (
        f"RuntimeClass {declared.runtime_class} says {NAMES[declared.family]}, but no process of such a"
        " runtime is in the pod's cgroups, and its containers' processes run on the host's kernel."
    )


def looks_like_sandbox(pod: kube.Pod) -> bool:
    """Return whether a pod is a sandbox by what Kubernetes says of it.

    That is its platform's labels or owner, a RuntimeClass, or the word in its name, labels or images.
    """
    meta = pod.metadata
    if pod.spec.runtime_class_name or any(True for _ in _platforms(meta.labels, meta.owner_references)):
        return True
    images = (each.image or "" for each in pod.spec.containers)
    return any("sandbox" in text.lower() for text in (meta.name, *meta.labels.values(), *images))


def _platforms(labels: Mapping[str, str], owners: Iterable[kube.Owner]) -> Iterable[tuple[str, str]]:
    """Yield each platform once with its evidence."""
    keys = sorted(labels)
    for platform, group in _LABELS:
        key = next((key for key in keys if _belongs(key, group)), None)
        owner = next((o for o in owners if _belongs(o.api_version, group)), None)
        if key is not None:
            yield platform, f"label {key}"
        elif owner is not None:
            yield platform, f"owner {owner.kind}/{owner.name} ({owner.api_version})"
    if labels.get(_DEER_FLOW[0]) == _DEER_FLOW[1]:
        yield "deer-flow", f"label {_DEER_FLOW[0]}={_DEER_FLOW[1]}"


def _belongs(name: str, group: str) -> bool:
    """Return whether what stands before the slash is the group, or a domain below it."""
    if group not in name:
        return False
    domain = name.partition("/")[0]
    return domain == group or domain.endswith(f".{group}")
