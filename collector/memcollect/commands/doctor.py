"""`memcollect doctor`: what works and what does not, each with the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import click
from msgspec import Struct

from memcollect.commands.cluster import progress_line
from memcollect.commands.connection import (
    CONCURRENCY,
    CONTEXT,
    ConnectionOptions,
    NamespaceOptions,
    agent_options,
    namespaces_options,
)
from memcollect.commands.help_page import GroupedCommand
from memcollect.commands.options import (
    FORCE,
    OUTPUT,
    Format,
    TargetOptions,
    clean_text,
    option,
    timeout_option,
    typed,
    verbose_option,
)
from memcollect.commands.output import check_output, deliver, report_width, wants_color
from memcollect.documents.moment import now_text

if TYPE_CHECKING:
    from memcollect.doctor.result import Report

EXIT_OK = 0
EXIT_FAILED = 1

EPILOG = """\b
Examples:
  memcollect doctor
  memcollect doctor --context staging -A
  memcollect doctor --local
  memcollect doctor --format json | jq '.results[] | select(.status == "fail")'

Exit codes: 0 nothing fails (warnings are allowed); 1 something fails; 2 wrong usage.
"""


class DoctorOptions(Struct, frozen=True, kw_only=True):
    """What `memcollect doctor` was told."""

    local: bool
    namespaces: NamespaceOptions
    connection: ConnectionOptions
    timeout: float
    cgroup_root: str
    proc_root: str
    format_: Literal["table", "json"]
    target: TargetOptions


@click.command("doctor", cls=GroupedCommand, epilog=EPILOG)
@option("--local", is_flag=True, help="Check this machine, for `snapshot --local`.")
@namespaces_options("Check for pods in this namespace", "Check for pods in all namespaces.")
@CONTEXT
@option(
    "--kubeconfig",
    metavar="FILE",
    callback=clean_text,
    help="The kubeconfig file. [default: $KUBECONFIG, or ~/.kube/config]",
)
@agent_options
@CONCURRENCY
@timeout_option(10.0, "How long to wait for the API server and for each agent.")
@option(
    "--cgroup-root",
    default="/sys/fs/cgroup",
    show_default=True,
    metavar="PATH",
    help="The cgroup v2 mount.",
)
@option("--proc-root", default="/proc", show_default=True, metavar="PATH", help="The machine's /proc.")
@option(
    "--format",
    "format_",
    type=Format(["table", "json"]),
    default="table",
    show_default=True,
    help="table for people, json for programs.",
)
@OUTPUT
@FORCE
@verbose_option
@typed(DoctorOptions)
def command(options: DoctorOptions) -> int:
    """Check everything a snapshot needs, and say what is missing and how to fix it.

    It only reads, and needs no right that a snapshot does not need.
    """
    target = options.target
    check_output(target.output, force=target.force)
    report = _local(options) if options.local else _cluster(options)
    deliver(_rendered(report, options), target.output, force=target.force)
    return EXIT_FAILED if report.status == "fail" else EXIT_OK


def _local(options: DoctorOptions) -> Report:
    # Imported here: neither path waits for what only the other needs.
    from memcollect.doctor.checks import LOCAL  # noqa: PLC0415
    from memcollect.doctor.engine import diagnose  # noqa: PLC0415
    from memcollect.doctor.local import local_facts  # noqa: PLC0415

    facts = local_facts(options.cgroup_root, options.proc_root)
    return diagnose(facts, LOCAL, tool=_tool(), mode="local", checked_at=now_text())


def _cluster(options: DoctorOptions) -> Report:
    from memcollect.doctor.checks import CLUSTER  # noqa: PLC0415
    from memcollect.doctor.engine import diagnose  # noqa: PLC0415
    from memcollect.doctor.facts import Question  # noqa: PLC0415
    from memcollect.doctor.gather import cluster_facts  # noqa: PLC0415

    question = Question(
        kubeconfig=options.connection.kubeconfig,
        context=options.connection.context,
        namespaces=options.namespaces.places,
        deployment=options.connection.deployment,
        concurrency=options.connection.concurrency,
        timeout=options.timeout,
    )
    with progress_line() as progress:
        facts = cluster_facts(question, progress)
    return diagnose(facts, CLUSTER, tool=_tool(), mode="cluster", checked_at=now_text())


def _rendered(report: Report, options: DoctorOptions) -> str:
    from memcollect.reporters.doctor import render_json, render_table  # noqa: PLC0415

    if options.format_ == "json":
        return render_json(report)
    if options.target.output is not None:
        return render_table(report)
    return render_table(report, width=report_width(), color=wants_color())


def _tool() -> str:
    from memcollect_agent import __version__  # noqa: PLC0415

    return f"memcollect {__version__}"
