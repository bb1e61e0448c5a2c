"""`memcollect doctor`: what works and what does not, each with the remedy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from memcollect.commands.cluster import DEFAULT_NAMESPACE, progress_line
from memcollect.commands.options import Duration, clean_text, option, verbose_option
from memcollect.commands.output import check_output, deliver, report_width, wants_color
from memcollect.errors import UsageError
from memcollect.sources.agent_pods import AGENT_PORT, AGENT_SELECTOR
from memcollect.sources.rights import AGENT_NAMESPACE

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


@click.command("doctor", epilog=EPILOG)
@option("--local", is_flag=True, help="Look at this machine, as `snapshot --local` would measure it.")
@option(
    "-n",
    "--namespace",
    "namespaces",
    multiple=True,
    metavar="NAMESPACE",
    callback=clean_text,
    help=f"Where the pods to be measured are; may be repeated. [default: {DEFAULT_NAMESPACE}]",
)
@option("-A", "--all-namespaces", is_flag=True, help="Pods of all namespaces are to be measured.")
@option("--context", metavar="NAME", callback=clean_text, help="The kubeconfig context to use.")
@option(
    "--kubeconfig",
    metavar="FILE",
    callback=clean_text,
    help="The kubeconfig file; as with kubectl, $KUBECONFIG and ~/.kube/config come after it.",
)
@option("--agent-namespace", default=AGENT_NAMESPACE, show_default=True, help="Where the agents run.")
@option("--agent-selector", default=AGENT_SELECTOR, show_default=True, help="The agents' labels.")
@option(
    "--agent-port",
    type=click.IntRange(1, 65535),
    default=AGENT_PORT,
    show_default=True,
    help="The agents' port, on their pods' loopback.",
)
@option(
    "--concurrency",
    type=click.IntRange(min=1, max=256),
    default=32,
    show_default=True,
    help="How many agents are asked at once.",
)
@option(
    "--timeout",
    type=Duration(min=0, min_open=True, max=3600),
    default=10.0,
    show_default=True,
    metavar="DURATION",
    help="How long the API server, and each agent, is waited for.",
)
@option(
    "--cgroup-root", default="/sys/fs/cgroup", show_default=True, help="With --local: the cgroup v2 mount."
)
@option("--proc-root", default="/proc", show_default=True, help="With --local: the machine's /proc.")
@option("--format", "format_", type=click.Choice(["table", "json"]), default="table", show_default=True)
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write to FILE, whole or not at all, instead of standard output.",
)
@option("--force", is_flag=True, help="Overwrite the file that -o names.")
@verbose_option
def command(*, local: bool, **options: Any) -> int:
    """Look at everything a snapshot needs, and say what is missing and how to mend it.

    It only reads, and only with the rights that a snapshot needs itself.
    """
    check_output(options["output"], force=options["force"])
    report = _local(options) if local else _cluster(options)
    deliver(_rendered(report, options), options["output"], force=options["force"])
    return EXIT_FAILED if report.status == "fail" else EXIT_OK


def _local(options: dict[str, Any]) -> Report:
    # Imported here: neither path waits for what only the other needs.
    from memcollect.doctor.checks import LOCAL  # noqa: PLC0415
    from memcollect.doctor.engine import diagnose  # noqa: PLC0415
    from memcollect.doctor.local import local_facts  # noqa: PLC0415

    facts = local_facts(options["cgroup_root"], options["proc_root"])
    return diagnose(facts, LOCAL, tool=_tool(), mode="local", checked_at=_now())


def _cluster(options: dict[str, Any]) -> Report:
    from memcollect.doctor.checks import CLUSTER  # noqa: PLC0415
    from memcollect.doctor.engine import diagnose  # noqa: PLC0415
    from memcollect.doctor.facts import Question  # noqa: PLC0415
    from memcollect.doctor.gather import cluster_facts  # noqa: PLC0415
    from memcollect.sources.agent_pods import Deployment  # noqa: PLC0415

    if options["all_namespaces"] and options["namespaces"]:
        raise UsageError("-A and -n contradict each other.", "Give one of them.")
    question = Question(
        kubeconfig=options["kubeconfig"],
        context=options["context"],
        namespaces=None if options["all_namespaces"] else list(options["namespaces"] or [DEFAULT_NAMESPACE]),
        deployment=Deployment(
            namespace=options["agent_namespace"],
            selector=options["agent_selector"],
            port=options["agent_port"],
        ),
        concurrency=options["concurrency"],
        timeout=options["timeout"],
    )
    with progress_line() as progress:
        facts = cluster_facts(question, progress)
    return diagnose(facts, CLUSTER, tool=_tool(), mode="cluster", checked_at=_now())


def _rendered(report: Report, options: dict[str, Any]) -> str:
    from memcollect.reporters.doctor import render_json, render_table  # noqa: PLC0415

    if options["format_"] == "json":
        return render_json(report)
    if options["output"] is not None:
        return render_table(report)
    return render_table(report, width=report_width(), color=wants_color())


def _tool() -> str:
    from memcollect_agent import __version__  # noqa: PLC0415

    return f"memcollect {__version__}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
