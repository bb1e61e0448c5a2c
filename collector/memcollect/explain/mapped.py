"""What private memory is mapped for, in words, and what the verdict says of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from memcollect.documents.snapshot import Container, Pod, PrivateMemory, PrivatePart
from memcollect.explain.statement import Case, Rank, Said
from memcollect.units import human_bytes
from memcollect_agent.wire import Process

NEWS_SHARE = 0.25
"""Of the working set: a part of one process that is larger is named in the verdict."""
LABELS = {
    "heap": "heap (brk)",
    "stack": "stack of the first thread",
    "named": "mappings named {name}",
    "file": "copied pages of {name}",
    "bss": "zeroed data of {name}",
    "large": "anonymous mapping of {size}",
    "small": "small anonymous mappings",
    "arena": "malloc's arenas",
    "thread-stack": "thread stacks",
    "go-heap": "Go heap",
    "v8": "JavaScript heap (V8)",
    "jit": "generated code (JIT)",
    "jvm-heap": "Java heap",
    "jvm-metaspace": "Java metaspace",
    "rest": "further mappings",
}
EVIDENCE = {
    "heap": "the kernel calls it [heap]",
    "stack": "the kernel calls it [stack]",
    "named": "the process gave it this name (PR_SET_VMA)",
    "file": "pages of a private mapping of the file that were written, such as a library's data",
    "bss": "unnamed, and begins where the file's writable data ends",
    "large": "one unnamed mapping",
    "small": "unnamed mappings with less than 1 MiB of private memory each",
    "arena": "begins at a multiple of 64 MiB, without reserve, as glibc's arenas do",
    "thread-stack": "lies right above a guard without access, as threads' stacks do",
    "go-heap": "lies where Go puts its heap",
    "v8": "whole pages of 256 KiB in a program that runs V8",
    "jit": "executable, and of no file",
    "jvm-heap": "lies below 32 GiB in a Java process, as a heap of compressed references does",
    "jvm-metaspace": "lies in a Java process where its metaspace and class space are reserved",
    "rest": "the smallest parts, added up",
}


class Held(NamedTuple):
    """A part of a process's private memory, with whose it is."""

    container: Container
    process: Process
    part: PrivatePart


def held(container: Container) -> list[Held]:
    """Return the parts of all processes of the container, the largest first."""
    by_pid = {each.pid: each for each in container.processes}
    parts = [
        Held(container, by_pid[memory.pid], part)
        for memory in container.private
        if memory.pid in by_pid
        for part in memory.parts
    ]
    return sorted(parts, key=lambda each: -each.part.estimate_bytes)


def whole_of(memories: list[PrivateMemory]) -> int:
    """Return the private memory of those processes whose mappings were read, in bytes."""
    return sum(memory.whole_bytes or 0 for memory in memories)


def program_of(process: Process) -> str:
    """Return what the process runs: its program's name, which it cannot choose, else what it calls itself."""
    return (process.exe or "").removesuffix(" (deleted)").rsplit("/", 1)[-1] or process.comm


def label(part: PrivatePart, *, short: bool = False) -> str:
    """Return what the part is, as a noun; a file by its whole path, or `short` by its last word."""
    name = part.name.rsplit("/", 1)[-1] or part.name if short else part.name
    text = LABELS.get(part.kind, part.kind).format(name=name, size=human_bytes(part.size_bytes))
    return f"{part.mappings} {text}" if part.kind in ("arena", "thread-stack") and part.mappings > 1 else text


def kind_label(kind: str, name: str) -> str:
    """Return what all mappings of a kind are, as a noun."""
    if kind == "large":
        return "large anonymous mappings"
    return LABELS.get(kind, kind).format(name=name)


def beside(part: PrivatePart) -> str:
    """Return what more is known of the part: huge pages, KSM, swap; "" where there is none."""
    amounts = (
        (part.huge_bytes, "in huge pages"),
        (part.ksm_bytes, "merged by KSM"),
        (part.swap_pss_bytes, "more in swap"),
    )
    return ", ".join(f"{human_bytes(amount)} {what}" for amount, what in amounts if amount)


def largest_mapping(case: Case) -> Iterator[Said]:
    """Yield the largest part of one process's private memory, where it is much of the working set."""
    whole = case.composition.working_set_bytes if case.composition else 0
    found = [each for container, _ in case.apps for each in held(_now(case.pod, container))]
    largest = max(found, key=lambda each: each.part.estimate_bytes, default=None)
    if largest is None or largest.part.estimate_bytes <= max(case.least, NEWS_SHARE * whole):
        return
    part = largest.part
    by_shape = ", by its shape" if part.confidence == "inferred" else ""
    where = f", in {largest.container.name}" if len(case.apps) > 1 else ""
    who = f"{program_of(largest.process)}, PID {largest.process.pid}{where}"
    yield Said(
        topic="largest_mapping",
        sentence=f"Largest by mapping: {human_bytes(part.estimate_bytes)}, {label(part)} ({who}){by_shape}.",
        rank=Rank.WITHIN,
        weight=part.estimate_bytes,
        amount_bytes=part.estimate_bytes,
        rests_on=["smaps"],
    )


def _now(pod: Pod, container: Container) -> Container:
    """Return the container as it was explained: the case's own has nothing that is derived."""
    return next((each for each in pod.containers if each.name == container.name), container)
