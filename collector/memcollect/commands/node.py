"""`memcollect node`: where all of a node's memory is, and why kubectl top node and free differ."""

from __future__ import annotations

from typing import Literal

import click
import msgspec
from msgspec import Struct

from memcollect.commands import complete
from memcollect.commands.cluster import progress_line
from memcollect.commands.connection import ClusterOptions, cluster_options
from memcollect.commands.help_page import GroupedCommand
from memcollect.commands.interruption import interruption
from memcollect.commands.modes import check_mode
from memcollect.commands.options import (
    SAMPLE,
    BoundOptions,
    FormatOptions,
    MachineOptions,
    clean_text,
    machine_options,
    node_report_options,
    option,
    process_ceiling_option,
    timeout_option,
    typed,
    verbose_option,
)
from memcollect.commands.output import check_output
from memcollect.commands.taking import Taking, finish
from memcollect.documents.moment import now_text
from memcollect.documents.snapshot import NodeAccount, Snapshot, Tool
from memcollect_agent import __version__

EPILOG = """\b
Examples:
  memcollect node
  memcollect node worker-3
  memcollect node worker-3 --format markdown | gh issue comment 7 --body-file -
  memcollect node --format html -o nodes.html
  memcollect node --local

Exit codes: 0 everything measured; 1 failed; 2 wrong usage; 3 written, but something you asked for is
missing; 130 Ctrl-C, with what had been measured by then.
"""


BOUNDS = ("timeout", "process_ceiling")
"""Of an agent: this machine's own look at itself has none."""


class NodeOptions(Struct, frozen=True, kw_only=True):
    """What `memcollect node` was told."""

    nodes: tuple[str, ...]
    local: bool
    sample: str
    bounds: BoundOptions
    report: FormatOptions
    cluster: ClusterOptions
    machine: MachineOptions


@click.command("node", cls=GroupedCommand, epilog=EPILOG)
@click.argument("nodes", nargs=-1, metavar="[NODE]...", callback=clean_text, shell_complete=complete.nodes)
@SAMPLE
@option("--local", is_flag=True, help="Look at this machine, without Kubernetes' API.")
@timeout_option(30.0, "How long each agent may take. What does not fit is reported missing.")
@process_ceiling_option
@cluster_options
@node_report_options
@machine_options
@verbose_option
@typed(NodeOptions)
def command(options: NodeOptions) -> int:
    """Show where all of a node's memory is: pods, services, the kernel, and what nobody owns.

    It leads from MemTotal to kubectl top node's number and names each step between: page cache that the
    kubelet counts as used, pods that the API server does not know, what deleted pods left behind, containers
    that a pod started outside its own cgroup. Without NODE it looks at every node that has an agent.
    """
    check_mode(click.get_current_context(), local=options.local, cluster_only=BOUNDS)
    check_output(options.report.output, force=options.report.force)
    return finish(_local(options) if options.local else _cluster(options), options.report)


def _opening(options: NodeOptions, mode: Literal["cluster", "local"]) -> Snapshot:
    return Snapshot(
        tool=Tool(version=__version__),
        sample=options.sample,
        captured_at=now_text(),
        finished_at="",
        mode=mode,
    )


def _cluster(options: NodeOptions) -> Taking:
    # Imported here: the official client takes a second, which --local and --help need not wait for.
    from memcollect.sources.api import Api, Patience  # noqa: PLC0415
    from memcollect.sources.portforward import port_forwarding  # noqa: PLC0415
    from memcollect.taking.nodes import NodeCollection, NodePlan  # noqa: PLC0415

    opening = _opening(options, "cluster")
    asked = options.cluster
    plan = NodePlan(names=options.nodes, deployment=asked.deployment, limits=asked.limits(options.bounds))
    cluster = asked.cluster
    opening = msgspec.structs.replace(opening, cluster=cluster.context or "")
    patience = Patience(timeout=asked.request_timeout, total=3 * asked.request_timeout)
    with Api(cluster, patience) as api, progress_line() as progress, interruption() as ctrl_c:
        collection = NodeCollection(api, plan, port_forwarding(cluster), progress, ctrl_c.requested)
        accounts = sorted(collection.accounts(), key=_by_need)
        progress("", 0, 0)
    closing = msgspec.structs.replace(
        opening,
        finished_at=now_text(),
        nodes=sorted(collection.nodes, key=lambda node: node.name),
        accounts=accounts,
        missing=collection.missing,
    )
    return Taking(lambda: opening, [], lambda: closing, lambda: collection.interrupted)


def _by_need(account: NodeAccount) -> tuple[int, str]:
    """Order nodes: those with something to warn of first."""
    return -sum(each.severity in {"warning", "critical"} for each in account.findings), account.node


def _local(options: NodeOptions) -> Taking:
    from memcollect.taking.local_node import measure_account  # noqa: PLC0415 # only where it measures

    opening = _opening(options, "local")
    machine = options.machine
    measured = measure_account(
        cgroup_root=machine.cgroup_root,
        proc_root=machine.proc_root,
        sys_root=machine.sys_root,
        host_root=machine.root,
    )
    closing = msgspec.structs.replace(
        opening,
        finished_at=now_text(),
        nodes=[measured.node],
        accounts=[measured.account],
        missing=measured.missing,
    )
    return Taking(lambda: opening, [], lambda: closing)
