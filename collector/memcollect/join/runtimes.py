"""Which sandbox runtime a pod names, and who then feeds kubectl top. Pure.

The class and its handler are what the API says; what the node shows may disagree, which only the
numbers can tell.
"""

from __future__ import annotations

import msgspec

from memcollect.model import Container, Runtime, Top

FAMILIES = {
    "gvisor": ("gvisor", "runsc"),
    "kata": ("kata",),
    "firecracker": ("firecracker",),
    "cube": ("cube",),
    "runc": ("runc",),
    "crun": ("crun",),
}
PROVIDERS = {"gvisor": "gvisor-split", "kata": "kata-guest"}
NEGLIGIBLE_SHARE = 0.05


def runtime_of(runtime_class: str | None, handler: str | None) -> Runtime:
    """Return the runtime that a pod's class and the class's handler name."""
    if runtime_class is None:
        return Runtime(family="default", evidence=["the pod names no RuntimeClass"])
    known = handler if handler is not None else "unknown"
    evidence = [f"RuntimeClass {runtime_class}, handler {known}"]
    words = f"{runtime_class} {handler or ''}".lower()
    family = next(
        (name for name, marks in FAMILIES.items() if any(mark in words for mark in marks)), "unknown"
    )
    return Runtime(family=family, handler=handler, runtime_class=runtime_class, evidence=evidence)


def attribute_provider(tops: list[Top], containers: list[Container], runtime: Runtime) -> list[Top]:
    """Return the tops of a pod's containers, with the provider named where it is not the host's cgroup.

    Only a number that the host's cgroup does not explain is attributed elsewhere: gVisor reports its
    Sentry's total split equally, Kata its guest's own cgroups.
    """
    if all(top.status in ("reconciled", "drifted") for top in tops):
        return tops
    provider = PROVIDERS.get(runtime.family) or _by_numbers(tops, containers)
    if provider is None:
        return tops
    detail = {
        "gvisor-split": "gVisor reports the whole sandbox's memory, split equally among its containers",
        "kata-guest": "Kata reports the guest's own cgroups, which the host cannot see",
    }[provider]
    return [
        top
        if top.status in ("reconciled", "drifted")
        else msgspec.structs.replace(top, provider=provider, status="different-provider", detail=detail)
        for top in tops
    ]


def _by_numbers(tops: list[Top], containers: list[Container]) -> str | None:
    """Return "gvisor-split" where equal numbers stand over cgroups that hold next to nothing."""
    numbers = [top.memory_bytes or 0 for top in tops]
    charges = [c.cgroup.current_bytes or 0 for c in containers if c.cgroup is not None]
    if len(numbers) < 2 or max(numbers) - min(numbers) > 1 or len(charges) != len(numbers):
        return None
    return "gvisor-split" if max(charges) < NEGLIGIBLE_SHARE * numbers[0] else None
