"""Workloads in which something is killed for want of memory, each for another's limit.

Run in the guest, after the others: what a cgroup above the pods counts stays there.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lab.stage import MIB, SHM, Stage, truth
from lab.truth import Truth
from memcollect.lab import cgroups
from memcollect.lab.errors import LabError
from memcollect_agent.read.procfs import ProcFs


def _more_than_the_node_has() -> str:
    """Return the words for it, in parts: the kernel refuses one mapping larger than all of its memory."""
    with ProcFs() as proc:
        parts = proc.meminfo()["MemTotal"] // (100 * MIB) + 1
    return " ".join([f"anon {100 * MIB}"] * parts)


def _kill(stage: Stage, cgroup: Path, words: str = f"anon {64 * MIB}") -> None:
    """Start a program that wants more than it may have, and see it killed."""
    if stage.command(cgroup, [stage.program, *words.split()]).wait_end() >= 0:
        raise AssertionError("the limit did not hold")


def killed_in_a_container_that_lives(stage: Stage) -> list[Truth]:
    limits = {"memory.max": 24 * MIB, "memory.swap.max": 0, "memory.oom.group": 0}
    pod = stage.pod("workers", limits=dict(limits))
    stage.tenant(pod, f"anon {3 * MIB}")
    for _ in range(2):
        _kill(stage, pod.containers["app"])
    says = "ended 2 processes in container app, which lives on: its own limit of 24 MiB was reached"
    return [truth(pod, "oom_kill", says=says)]


def killed_as_a_group_of_one(stage: Stage) -> list[Truth]:
    pod = stage.pod("group-of-one", limits={"memory.max": 25 * MIB, "memory.swap.max": 0})
    _kill(stage, pod.containers["app"])
    return [truth(pod, "oom_kill", says="ended 1 process in app: its own limit of 25 MiB was reached")]


def killed_as_a_group_of_three(stage: Stage) -> list[Truth]:
    pod = stage.pod("group-of-three", limits={"memory.max": 26 * MIB, "memory.swap.max": 0})
    _kill(stage, pod.containers["app"], f"anon {MIB} fork 2 anon {64 * MIB}")
    return [truth(pod, "oom_kill", says="in app: its own limit of 26 MiB was reached")]


def killed_for_the_pods_limit(stage: Stage) -> list[Truth]:
    pod = stage.pod("whole-pod", "app", "side", pod_limits={"memory.max": 27 * MIB, "memory.swap.max": 0})
    stage.tenant(pod, f"anon {4 * MIB}", container="side")
    _kill(stage, pod.containers["app"])
    return [truth(pod, "oom_kill", says="ended 1 process in app: the pod's limit of 27 MiB was reached")]


def killed_for_a_limit_above(stage: Stage) -> list[Truth]:
    """The limit is taken away at the end: others are in that cgroup, too."""
    hog, pod = (stage.pod(name, driver="cgroupfs", qos_class="BestEffort") for name in ("hog", "innocent"))
    everyones = pod.cgroup.parent
    cgroups.limit(everyones, {"memory.max": 48 * MIB, "memory.swap.max": 0})
    try:
        stage.tenant(hog, f"anon {20 * MIB}")
        _kill(stage, pod.containers["app"])
    finally:
        cgroups.limit(everyones, {"memory.max": "max", "memory.swap.max": "max"})
    says = "for a limit above this pod: that of all pods of its QoS class"
    return [truth(pod, "oom_kill", says=says)]


def killed_for_want_of_memory_on_the_node(stage: Stage) -> list[Truth]:
    pod = stage.pod("unlimited", qos_class="Guaranteed", limits={"memory.swap.max": 0})
    _kill(stage, pod.containers["app"], _more_than_the_node_has())
    says = "for want of memory on the node: neither a limit of this pod nor one above it was reached"
    return [truth(pod, "oom_kill", says=says)]


def held_before_it_was_killed(stage: Stage) -> list[Truth]:
    """The container is removed after the kill, as a runtime does: only the agent's memory knows it then."""
    pod = stage.pod("remembered", "app", "side", limits={"memory.max": 64 * MIB, "memory.swap.max": 0})
    tenant = stage.tenant(pod, f"anon {40 * MIB} write {SHM}/remembered {7 * MIB}")
    stage.tenant(pod, f"anon {MIB}", container="side")
    stage.remember()
    with suppress(LabError):
        tenant.ask(f"anon {64 * MIB}")
        raise AssertionError("the limit did not hold")
    cgroups.remove(pod.containers["app"])
    stage.remember()
    says = "the last reading before, the container held 47"
    return [
        truth(pod, "oom_kill", scope="pod", says=says),
        truth(pod, "oom_kill", scope="pod", says=" MiB private memory, 7 MiB tmpfs or shared memory"),
    ]


KILLS: tuple[Callable[[Stage], list[Truth]], ...] = (
    killed_in_a_container_that_lives,
    killed_as_a_group_of_one,
    killed_as_a_group_of_three,
    killed_for_the_pods_limit,
    held_before_it_was_killed,
    killed_for_a_limit_above,
    killed_for_want_of_memory_on_the_node,
)
