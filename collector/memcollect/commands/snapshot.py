"""`memcollect snapshot`: measure, join, explain, write."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memcollect.commands.options import clean_text, option, output_options, verbose_option
from memcollect.commands.output import check_output, deliver, say
from memcollect.commands.reports import report
from memcollect.errors import UsageError

if TYPE_CHECKING:
    from memcollect.model import Snapshot

EXIT_OK = 0
EXIT_INCOMPLETE = 3


EPILOG = """\b
Examples:
  memcollect snapshot --local --sample after-python
  memcollect snapshot --local --match 'deer-flow/*' --include-processes
  memcollect snapshot --local --match 'postgres*' --format json -o before.json
  memcollect snapshot --local --format markdown | gh pr comment --body-file -

Exit codes: 0 all measured; 1 failed; 2 wrong usage; 3 written, but something asked for is missing.
"""


@click.command("snapshot", epilog=EPILOG)
@option(
    "--sample", default="unspecified", show_default=True, callback=clean_text, help="A name for this moment."
)
@option("--local", is_flag=True, help="Measure this machine itself, without Kubernetes' API.")
@option(
    "--match",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    callback=clean_text,
    help="With --local: only pods, containers and services whose name or namespace/name matches this shell "
    "pattern, or whose id begins so (8 characters or more). May be repeated.",
)
@option("--include-processes", is_flag=True, help="List the largest processes of each container.")
@option(
    "--process-limit",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    help="How many processes per container --include-processes lists.",
)
@option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=3600),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="Time to spend on reading processes; what it does not suffice for is listed as missing.",
)
@output_options
@option(
    "--cgroup-root", default="/sys/fs/cgroup", show_default=True, help="With --local: the cgroup v2 mount."
)
@option("--proc-root", default="/proc", show_default=True, help="With --local: the machine's /proc.")
@option("--sys-root", default="/sys", show_default=True, help="With --local: the machine's /sys.")
@option("--log-root", default="/var/log", show_default=True, help="With --local: where names of pods are.")
@option("--top-file", type=click.Path(path_type=Path), hidden=True, help="Numbers of the demo's own top.")
@verbose_option
def command(*, local: bool, **options: Any) -> int:
    """Measure pods and say where their memory is, and what of it cannot be told.

    With --local it measures the machine it runs on (as root, to see every process): its pods, or where
    there are none its containers, or the largest services.
    """
    check_output(options["output"], force=options["force"])
    snapshot = _local(options) if local else _cluster(options)
    to_file = options["output"] is not None
    text = report(snapshot, options["format_"], to_file=to_file, details=options["details"])
    deliver(text, options["output"], force=options["force"])
    if not snapshot.missing:
        return EXIT_OK
    say(f"{len(snapshot.missing)} asked for and not measured; the document says which and why.")
    return EXIT_INCOMPLETE


def _local(options: dict[str, Any]) -> Snapshot:
    # Imported here: the other path must not wait for these, nor this one for a Kubernetes client.
    from memcollect.explain import explain  # noqa: PLC0415
    from memcollect.join import Capture, local_snapshot  # noqa: PLC0415
    from memcollect.model import Scope  # noqa: PLC0415
    from memcollect.sources.local import LocalRequest, measure  # noqa: PLC0415
    from memcollect.sources.top_file import read_tops  # noqa: PLC0415
    from memcollect_agent import __version__  # noqa: PLC0415

    tops = read_tops(options["top_file"]) if options["top_file"] else None
    captured_at = _now()
    measured = measure(
        LocalRequest(
            patterns=options["patterns"],
            process_limit=options["process_limit"] if options["include_processes"] else 0,
            time_budget_seconds=options["timeout"],
            cgroup_root=options["cgroup_root"],
            proc_root=options["proc_root"],
            sys_root=options["sys_root"],
            log_root=options["log_root"],
        )
    )
    capture = Capture(
        label=options["sample"],
        captured_at=captured_at,
        finished_at=_now(),
        version=__version__,
        scope=Scope(patterns=list(options["patterns"]) or None, processes=options["include_processes"]),
        notes=measured.notes,
    )
    return explain(local_snapshot(measured.sample, measured.names, capture, tops))


def _cluster(_options: dict[str, Any]) -> Snapshot:
    raise UsageError(
        "This version measures the machine it runs on.",
        "Add --local, on the node itself; or see `memcollect demo`.",
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
