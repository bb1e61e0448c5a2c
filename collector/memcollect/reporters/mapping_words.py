"""What every report says of private memory by mapping beside the parts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from memcollect.documents.snapshot import Container, PrivateMemory
from memcollect.explain.mapped import program_of


def left_over(memories: Sequence[PrivateMemory]) -> int:
    """Return the residuals added up: what the parts do not come to, in bytes."""
    return sum(memory.residual.estimate_bytes for memory in memories if memory.residual is not None)


def unread(container: Container) -> Iterator[str]:
    """Yield a sentence for each process whose mappings are not, or not all, known."""
    by_pid = {each.pid: each for each in container.processes}
    for memory in container.private:
        if memory.missing and memory.pid in by_pid:
            yield f"PID {memory.pid} ({program_of(by_pid[memory.pid])}): {memory.missing}."
