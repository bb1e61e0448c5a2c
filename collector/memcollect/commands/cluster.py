"""The cluster path of `memcollect snapshot`: which cluster, which pods, which agents."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click
import msgspec

from memcollect.commands.interruption import interruption
from memcollect.commands.options import Duration, clean_text, option
from memcollect.commands.services import service_table
from memcollect.commands.taking import Taking, now_text
from memcollect.documents.snapshot import Pod, Scope, Snapshot, Tool
from memcollect.errors import UsageError
from memcollect.explain.summary import Totals
from memcollect.services import with_services
from memcollect_agent import __version__
from memcollect_agent.wire import DEFAULT_PORT

if TYPE_CHECKING:
    from memcollect.taking.cluster import Plan

DEFAULT_NAMESPACE = "deer-flow"
DEFAULT_SELECTOR = "app=deer-flow-sandbox"
"""Those of the profile script that memcollect replaces."""
Command = TypeVar("Command", bound="Callable[..., Any]")

SELECTION = (
    option(
        "-n",
        "--namespace",
        "namespaces",
        multiple=True,
        metavar="NAMESPACE",
        callback=clean_text,
        help=f"Pods of this namespace; may be repeated. [default: {DEFAULT_NAMESPACE}]",
    ),
    option("-A", "--all-namespaces", is_flag=True, help="Pods of all namespaces."),
    option(
        "-l",
        "--selector",
        metavar="SELECTOR",
        callback=clean_text,
        help=f"A label selector. [default: {DEFAULT_SELECTOR}, unless -A or pods are named; '' for all pods]",
    ),
    option(
        "--field-selector", metavar="SELECTOR", callback=clean_text, help="A field selector, as kubectl's."
    ),
    option(
        "--nodes",
        is_flag=True,
        help="Also ask every node with an agent for sandboxes without a Pod (CubeSandbox, E2B, …).",
    ),
)
CONNECTION = (
    option("--context", metavar="NAME", help="The kubeconfig context to use."),
    option(
        "--kubeconfig", metavar="FILE", help="The kubeconfig file. [default: $KUBECONFIG, or ~/.kube/config]"
    ),
    option(
        "--concurrency",
        type=click.IntRange(min=1, max=256),
        default=32,
        show_default=True,
        help="How many agents are asked at once.",
    ),
    option(
        "--request-timeout",
        type=Duration(min=0, min_open=True, max=600),
        default=30.0,
        show_default=True,
        metavar="DURATION",
        help="Time for each answer of the API server, which is asked up to four times.",
    ),
    option("--agent-namespace", default="memcollect", show_default=True, help="Where the agents run."),
    option(
        "--agent-selector",
        default="app.kubernetes.io/name=memcollect-agent",
        show_default=True,
        help="The agents' labels.",
    ),
    option(
        "--agent-port",
        type=click.IntRange(1, 65535),
        default=DEFAULT_PORT,
        show_default=True,
        help="The agents' port, on their pods' loopback.",
    ),
)


def cluster_options(function: Command) -> Command:
    """Add the options that choose a cluster, pods and agents."""
    for each in reversed((*SELECTION, *CONNECTION)):
        function = each(function)
    return function


def connection_options(function: Command) -> Command:
    """Add the options that choose a cluster and its agents, but no pods."""
    for each in reversed(CONNECTION):
        function = each(function)
    return function


def selection_arguments(names: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    """Return what `Selection` takes, with the defaults filled in.

    Raises UsageError where namespaces are named and all are asked for, too.
    """
    if options["all_namespaces"] and options["namespaces"]:
        raise UsageError("-A and -n contradict each other.", "Give one of them.")
    selector = options["selector"]
    if selector is None and not names and not options["all_namespaces"]:
        selector = DEFAULT_SELECTOR
    namespaces = None if options["all_namespaces"] else list(options["namespaces"] or [DEFAULT_NAMESPACE])
    return {
        "namespaces": namespaces,
        "selector": selector or None,
        "field_selector": options["field_selector"] or None,
        "names": list(names) or None,
    }


def _scope(places: list[str | None]) -> list[str] | None:
    """Return the namespaces that are looked into; None for all."""
    return None if None in places else [str(place) for place in places]


def plan_of(options: dict[str, Any]) -> Plan:
    """Return what to measure, by the options. Raises UsageError for names that cannot be."""
    from memcollect.sources.agent_pods import Deployment  # noqa: PLC0415
    from memcollect.sources.agents import Limits  # noqa: PLC0415
    from memcollect.sources.descriptors import most_workers  # noqa: PLC0415
    from memcollect.sources.pods import Selection  # noqa: PLC0415
    from memcollect.taking.cluster import Plan  # noqa: PLC0415 # as below

    return Plan(
        selection=Selection(**selection_arguments(options["pods"], options)),
        deployment=Deployment(
            namespace=options["agent_namespace"],
            selector=options["agent_selector"],
            port=options["agent_port"],
        ),
        process_limit=options["process_limit"] if options.get("include_processes") else 0,
        nodes=options.get("nodes", False),
        limits=Limits(
            concurrency=min(options["concurrency"], most_workers()),
            timeout=options["timeout"],
            process_ceiling_bytes=options["process_ceiling"],
        ),
    )


@contextmanager
def cluster_taking(options: dict[str, Any]) -> Iterator[Taking]:
    """Give a snapshot of the cluster in the making. Raises a ClusterError where it cannot be asked."""
    # Imported here: the official client takes a second, which --local and --help need not wait for.
    from memcollect.sources.api import Api, Patience  # noqa: PLC0415
    from memcollect.sources.kube_config import connect  # noqa: PLC0415
    from memcollect.sources.portforward import port_forwarding  # noqa: PLC0415
    from memcollect.taking.cluster import Collection  # noqa: PLC0415

    arguments = selection_arguments(options["pods"], options)
    plan = plan_of(options)
    table = service_table(options.get("services"))
    cluster = connect(options["kubeconfig"], options["context"])
    opening = Snapshot(
        tool=Tool(version=__version__),
        sample=options["sample"],
        captured_at=now_text(),
        finished_at="",
        mode="cluster",
        scope=Scope(
            namespaces=_scope(plan.selection.places),
            selector=arguments["selector"],
            names=arguments["names"],
            processes=options["include_processes"],
        ),
    )
    seconds = options["request_timeout"]
    patience = Patience(timeout=seconds, total=3 * seconds)
    with Api(cluster, patience) as api, progress_line() as progress, interruption() as ctrl_c:
        collection = Collection(api, plan, port_forwarding(cluster), progress, ctrl_c.requested)
        totals = Totals()

        def pods() -> Iterator[Pod]:
            for pod in collection.pods():
                totals.add(pod)
                yield with_services(pod, table)
            progress("", 0, 0)

        def closing() -> Snapshot:
            return msgspec.structs.replace(
                opening,
                finished_at=now_text(),
                nodes=sorted(collection.nodes, key=lambda node: node.name),
                missing=collection.missing,
                summary=totals.summary(collection.nodes),
            )

        yield Taking(opening, pods(), closing, lambda: collection.interrupted)


@contextmanager
def progress_line() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that shows how far it is: on standard error, and on a terminal only.

    Called with no words it takes the line away.
    """
    if not sys.stderr.isatty():
        yield lambda _what, _done, _of: None
        return

    def show(what: str, done: int, of: int) -> None:
        count = f" {done}/{of}" if of else ""
        sys.stderr.write(f"\r\x1b[Kmemcollect: {what}{count} " if what else "\r\x1b[K")
        sys.stderr.flush()

    try:
        yield show
    finally:
        show("", 0, 0)
