"""`memcollect snapshot --local`: this machine, in process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from memcollect.commands.options import BoundOptions, MachineOptions, is_verbose
from memcollect.commands.output import say
from memcollect.commands.services import service_table
from memcollect.commands.taking import NO_PROCESSES, ProcessOptions, SnapshotOptions, Taking
from memcollect.documents.moment import now_text
from memcollect.documents.snapshot import Scope
from memcollect.explain import explain
from memcollect.join import Capture, local_snapshot
from memcollect.services import with_services
from memcollect_agent import __version__

if TYPE_CHECKING:
    from memcollect.taking.local import LocalRequest


def local_request(
    machine: MachineOptions,
    patterns: tuple[str, ...],
    bounds: BoundOptions,
    processes: ProcessOptions = NO_PROCESSES,
) -> LocalRequest:
    """Return what to measure of this machine: what matches the patterns."""
    from memcollect.taking.local import LocalRequest  # noqa: PLC0415 # only where it measures

    return LocalRequest(
        patterns=patterns,
        process_limit=processes.limit,
        mappings=processes.mappings,
        file_limit=processes.file_limit,
        process_ceiling_bytes=bounds.process_ceiling,
        time_budget_seconds=bounds.timeout,
        cgroup_root=machine.cgroup_root,
        proc_root=machine.proc_root,
        sys_root=machine.sys_root,
        log_root=machine.log_root,
        host_root=machine.root,
    )


def local_taking(asked: SnapshotOptions) -> Taking:
    """Measure this machine. Raises UnsupportedError where its memory controller is not on cgroup v2."""
    from memcollect.sources.top_file import read_tops  # noqa: PLC0415
    from memcollect.taking.local import measure  # noqa: PLC0415 # only where it measures

    table = service_table(asked.processes.services)
    tops = read_tops(asked.top_file) if asked.top_file else None
    captured_at = now_text()
    measured = measure(local_request(asked.machine, asked.patterns, asked.bounds, asked.processes))
    if is_verbose() and measured.sample.cost is not None:
        cost = measured.sample.cost
        say(
            f"measured {len(measured.sample.pods)} in {cost.wall_seconds:.3f} s, with"
            f" {cost.cpu_seconds:.3f} s of CPU"
        )
    capture = Capture(
        label=asked.sample,
        captured_at=captured_at,
        finished_at=now_text(),
        version=__version__,
        scope=Scope(
            patterns=list(asked.patterns) or None,
            processes=asked.processes.are_listed,
            mappings=asked.processes.mappings,
            files=asked.processes.files,
        ),
        notes=measured.notes,
    )
    snapshot = explain(local_snapshot(measured.sample, measured.names, capture, tops))
    snapshot = msgspec.structs.replace(snapshot, pods=[with_services(pod, table) for pod in snapshot.pods])
    return Taking(opening=lambda: snapshot, pods=snapshot.pods, closing=lambda: snapshot)
