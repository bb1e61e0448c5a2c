"""`memcollect snapshot --local`: this machine, in process."""

from __future__ import annotations

from typing import Any

import msgspec

from memcollect.commands.options import is_verbose
from memcollect.commands.output import say
from memcollect.commands.services import service_table
from memcollect.commands.taking import Taking, now_text
from memcollect.documents.snapshot import Scope
from memcollect.explain import explain
from memcollect.join import Capture, local_snapshot
from memcollect.services import with_services
from memcollect_agent import __version__


def local_taking(options: dict[str, Any]) -> Taking:
    """Measure this machine. Raises UnsupportedError where its memory controller is not on cgroup v2."""
    from memcollect.sources.top_file import read_tops  # noqa: PLC0415
    from memcollect.taking.local import LocalRequest, measure  # noqa: PLC0415 # only where it measures

    table = service_table(options.get("services"))
    tops = read_tops(options["top_file"]) if options["top_file"] else None
    captured_at = now_text()
    measured = measure(
        LocalRequest(
            patterns=options["patterns"],
            process_limit=options["process_limit"] if options["include_processes"] else 0,
            process_ceiling_bytes=options["process_ceiling"],
            time_budget_seconds=options["timeout"],
            cgroup_root=options["cgroup_root"],
            proc_root=options["proc_root"],
            sys_root=options["sys_root"],
            log_root=options["log_root"],
        )
    )
    if is_verbose() and measured.sample.cost is not None:
        cost = measured.sample.cost
        say(
            f"measured {len(measured.sample.pods)} in {cost.wall_seconds:.3f} s, with"
            f" {cost.cpu_seconds:.3f} s of CPU"
        )
    capture = Capture(
        label=options["sample"],
        captured_at=captured_at,
        finished_at=now_text(),
        version=__version__,
        scope=Scope(patterns=list(options["patterns"]) or None, processes=options["include_processes"]),
        notes=measured.notes,
    )
    snapshot = explain(local_snapshot(measured.sample, measured.names, capture, tops))
    snapshot = msgspec.structs.replace(snapshot, pods=[with_services(pod, table) for pod in snapshot.pods])
    return Taking(opening=snapshot, pods=snapshot.pods, closing=lambda: snapshot)
