"""Which sandbox runtime a pod names, and who then feeds kubectl top. Pure.

The class and its handler are what the API says; what the node shows may disagree, which only the
numbers can tell.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from memcollect.documents.snapshot import Container, Runtime, Top

FAMILIES = {
    "gvisor": ("gvisor", "runsc"),
    "kata": ("kata",),
    "firecracker": ("firecracker",),
    "cube": ("cube",),
    "runc": ("runc",),
    "crun": ("crun",),
}
PROVIDERS = {"gvisor": "gvisor-split", "kata": "kata-guest"}
SENTENCES = {
    "gvisor-split": "gVisor reports the whole sandbox's memory, split equally among its containers",
    "gvisor-containers": "the runtime reports a number of its own for each container: they are unequal, so"
    " they are no split of the Sentry's total; what they count the host cannot see",
    "kata-guest": "Kata reports the guest's own cgroups, which the host cannot see",
    "sandbox-guest": "the container's cgroup on the host holds next to nothing: the number comes from"
    " inside a sandbox, such as Kata's guest or gVisor",
}
UNEXPLAINED = frozenset({"unexplained", "unaligned", "stale"})
"""Statuses of numbers that the host's cgroup does not explain, or not yet."""
NEGLIGIBLE_SHARE = 0.05
GUESTS = frozenset({"firecracker", "cube", "vm"})
"""Families whose guests may feed the metrics API, by agents of their own."""
SPLIT_ROUNDING_BYTES = 1024
"""The metrics API gives KiB, so equal parts may differ by one."""


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


INSIDE_STATUS = "not-measured"
"""Of a number over a cgroup that is not there or counts no memory: a guest's, where the runtime has one."""


def attribute_provider(
    tops: Sequence[Top], containers: Sequence[Container | None], runtime: Runtime
) -> list[Top]:
    """Return the tops of a pod's containers, with the provider named where it is not the host's cgroup.

    `containers` are those that the numbers are of, None where the row has none of that name. Only a
    number that the host's cgroup does not explain is attributed elsewhere, and only where the runtime is
    known: numbers alone prove no sandbox, for an adapter that errs gives the same.
    """
    provider = _provider(tops, containers, runtime)
    if provider is None:
        return list(tops)
    insides = [runtime.family in PROVIDERS and _is_inside(each) for each in containers]
    return [
        msgspec.structs.replace(
            top, provider=provider, status="different-provider", detail=SENTENCES[provider]
        )
        if top.status in UNEXPLAINED or (inside and top.status == INSIDE_STATUS)
        else top
        for top, inside in zip(tops, insides, strict=True)
    ]


def _provider(tops: Sequence[Top], containers: Sequence[Container | None], runtime: Runtime) -> str | None:
    if runtime.disagreement:
        return None
    provider = PROVIDERS.get(runtime.family)
    if provider == "gvisor-split" and not _are_equal(tops):
        return "gvisor-containers"
    if provider is None and runtime.family in GUESTS:
        return "sandbox-guest" if _are_far_above(tops, containers) else None
    return provider


def _are_equal(tops: Sequence[Top]) -> bool:
    """Return whether all numbers are one, as a total that was divided by their count."""
    numbers = [top.memory_bytes for top in tops if top.memory_bytes is not None]
    return not numbers or max(numbers) - min(numbers) <= SPLIT_ROUNDING_BYTES


def _is_inside(container: Container | None) -> bool:
    """Return whether the container lives in a sandbox: its cgroup is not there, or counts nothing."""
    if container is None:
        return False
    return bool(container.inside) or (container.cgroup is not None and container.cgroup.current_bytes is None)


def _are_far_above(tops: Sequence[Top], containers: Sequence[Container | None]) -> bool:
    """Return whether all numbers stand over cgroups that held next to nothing at the moment of the sample.

    Without history, a container that has just freed its memory looks the same.
    """
    charges = [each.cgroup.current_bytes if each and each.cgroup else None for each in containers]
    numbers = [top.memory_bytes for top in tops]
    pairs = [(n, c) for n, c in zip(numbers, charges, strict=True) if n is not None and c is not None]
    if len(pairs) != len(tops) or any(c >= NEGLIGIBLE_SHARE * n for n, c in pairs):
        return False
    return all(top.status == "unexplained" for top in tops)
