"""`memcollect snapshot`: measure, join, explain, write."""

from __future__ import annotations

from pathlib import Path

import click

from memcollect.commands import complete
from memcollect.commands.cluster import cluster_taking
from memcollect.commands.connection import cluster_options, pod_options
from memcollect.commands.help_page import GroupedCommand
from memcollect.commands.local import local_taking
from memcollect.commands.modes import check_mode
from memcollect.commands.options import (
    SAMPLE,
    clean_text,
    machine_options,
    match_option,
    option,
    process_ceiling_option,
    report_options,
    timeout_option,
    typed,
    verbose_option,
)
from memcollect.commands.output import check_output
from memcollect.commands.reports import OLDER_VIEWS
from memcollect.commands.taking import SnapshotOptions, finish
from memcollect.documents.snapshot import Depth
from memcollect.errors import UsageError

EPILOG = """\b
Examples:
  memcollect snapshot --sample after-python
  memcollect snapshot -n agents -l app=sandbox --include-processes
  memcollect snapshot deer-flow/sandbox-7f3a --mappings
  memcollect snapshot deer-flow/sandbox-7f3a --format markdown | gh pr comment --body-file -
  memcollect snapshot -A --format html -o pods.html
  memcollect snapshot -A --format json -o before.json
  memcollect snapshot -A --depth summary --format json -o tonight.json
  memcollect snapshot sandbox-7f3a --files
  memcollect snapshot --local --match 'postgres*'

Exit codes: 0 everything measured; 1 failed; 2 wrong usage; 3 written, but something you asked for is
missing; 130 Ctrl-C, with what had been measured by then.
"""


@click.command("snapshot", cls=GroupedCommand, epilog=EPILOG)
@click.argument("pods", nargs=-1, metavar="[POD]...", callback=clean_text, shell_complete=complete.pods)
@SAMPLE
@option("--local", is_flag=True, help="Measure this machine, without Kubernetes' API.")
@match_option(
    "only pods, containers and services whose name or namespace/name matches this shell pattern, or whose id "
    "begins with it (8 characters or more)"
)
@option("--include-processes", is_flag=True, help="List the largest processes of each container.")
@option(
    "--process-limit",
    type=click.IntRange(min=1),
    default=10,
    show_default=True,
    metavar="N",
    help="How many processes to list of each container.",
)
@option(
    "--mappings",
    is_flag=True,
    help="List the processes too, and say what their private memory is: heap, malloc arenas, thread stacks, "
    "copied pages of files, JIT code and more.",
)
@option(
    "--files",
    is_flag=True,
    help="Name the files behind page cache and tmpfs, and who pays for them where that can be told.",
)
@option(
    "--services",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Recognise services by this TOML table first; with --include-processes.",
)
@timeout_option(
    30.0, "How long each agent may take, or this machine with --local. What does not fit is reported missing."
)
@option(
    "--jobs",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Use N processes to explain the answers; not with --nodes. [default: one up to 99 nodes, then as "
    "many as CPUs and memory allow]",
)
@option(
    "--depth",
    type=click.Choice(["summary", "full"]),
    help="summary keeps only terms and verdict, except for pods that are largest, near a limit, growing or "
    "unexplained. [default: full; summary with -A and more than 5,000 pods]",
)
@process_ceiling_option
@pod_options(
    nodes="Also measure each node that has an agent (as `memcollect node` does), and sandboxes without a Pod"
    " (CubeSandbox, E2B, …)."
)
@cluster_options
@report_options
@machine_options
@option("--top-file", type=click.Path(path_type=Path), hidden=True, help="Numbers of the demo's own top.")
@verbose_option
@typed(SnapshotOptions)
def command(options: SnapshotOptions) -> int:
    """Measure pods, and show where their memory is and how much of it cannot be explained.

    It asks the agents on the pods' nodes and checks their numbers against kubectl top. POD is NAMESPACE/NAME,
    or a name that is looked for in every namespace of -n.

    With --local it measures this machine (run it as root to see every process): its pods, else its
    containers, else its largest services.
    """
    check_mode(click.get_current_context(), local=options.local)
    check_output(options.report.output, force=options.report.force)
    if options.local:
        return finish(local_taking(options), options.report, options.report.details)
    with cluster_taking(options, options.jobs, _depth(options)) as taking:
        return finish(taking, options.report, options.report.details)


def _depth(options: SnapshotOptions) -> Depth | None:
    """Return how much is told of each pod; None: as many as there are decide.

    Raises UsageError where the summary that was asked for holds nothing of what else was asked for.
    """
    in_full = [
        name
        for name, is_asked in (
            ("--include-processes", options.processes.include_processes),
            ("--mappings", options.processes.mappings),
            ("--files", options.processes.files),
            ("--services", options.processes.services is not None),
            (f"--format {options.report.format_}", options.report.format_ in OLDER_VIEWS),
            ("POD", bool(options.pods.pods)),
        )
        if is_asked
    ]
    if options.depth == "summary" and in_full:
        raise UsageError(f"--depth summary leaves out what {in_full[0]} asks for.", "Leave one of them out.")
    if options.depth is not None:
        return options.depth
    return None if options.pods.all_namespaces and not in_full else "full"
