"""The options that choose a cluster, its agents and pods, and what they mean."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from memcollect.commands import complete
from memcollect.commands.default_pods import DEFAULT_NAMESPACE, DEFAULT_SELECTOR
from memcollect.commands.options import BoundOptions, Command, Duration, clean_text, option
from memcollect.commands.output import say
from memcollect.errors import UsageError
from memcollect_agent.wire import DEFAULT_PORT

if TYPE_CHECKING:
    from memcollect.sources.agent_pods import Deployment
    from memcollect.sources.agents import Limits
    from memcollect.sources.kube_config import Cluster
    from memcollect.sources.pods import Selection

# What comes of them is imported where it is needed: the official client takes a second, which --local and
# --help need not wait for.


class NamespaceOptions(Struct, frozen=True, kw_only=True):
    """In which namespaces the pods are."""

    namespaces: tuple[str, ...] = ()
    all_namespaces: bool = False

    @property
    def places(self) -> list[str] | None:
        """The namespaces, the default filled in; None for all. Raises UsageError where both are asked for."""
        if self.all_namespaces and self.namespaces:
            raise UsageError("-A and -n contradict each other.", "Give one of them.")
        return None if self.all_namespaces else list(self.namespaces or [DEFAULT_NAMESPACE])


class PodOptions(NamespaceOptions, frozen=True, kw_only=True):
    """Which pods are meant."""

    pods: tuple[str, ...] = ()
    selector: str | None = None
    field_selector: str | None = None
    nodes: bool = False

    @property
    def named(self) -> list[str] | None:
        """The pods that were named; None: none was."""
        return list(self.pods) or None

    @property
    def selection(self) -> Selection:
        """What they choose, the defaults filled in. Raises UsageError where they contradict or cannot be."""
        from memcollect.sources.pods import Selection  # noqa: PLC0415

        namespaces = self.places
        narrowed = self.selector is not None or self.pods or self.all_namespaces
        return Selection(
            namespaces=namespaces,
            selector=(self.selector if narrowed else DEFAULT_SELECTOR) or None,
            field_selector=self.field_selector or None,
            names=self.named,
        )


@functools.cache  # once: the live view connects anew for each page, and its screen is no place for it
def _warn_of_exposure(origin: str, server: str) -> None:
    say(
        f"warning: the credentials of {origin} would go to {server} unencrypted, "
        "for everybody on the way to read."
    )


class ConnectionOptions(Struct, frozen=True, kw_only=True):
    """Which cluster, and where its agents are."""

    context: str | None
    kubeconfig: str | None
    concurrency: int
    agent_namespace: str
    agent_selector: str
    agent_port: int

    @property
    def cluster(self) -> Cluster:
        """The cluster. Raises KubeConfigError where none can be told."""
        from memcollect.sources.kube_config import connect  # noqa: PLC0415

        cluster = connect(self.kubeconfig, self.context)
        if cluster.exposes_credentials:
            _warn_of_exposure(cluster.origin, cluster.server)
        return cluster

    @property
    def deployment(self) -> Deployment:
        """Where the agents are."""
        from memcollect.sources.agent_pods import Deployment  # noqa: PLC0415

        return Deployment(namespace=self.agent_namespace, selector=self.agent_selector, port=self.agent_port)

    @property
    def workers(self) -> int:
        """How many agents may be asked at once: what was asked for, as far as the descriptors suffice."""
        from memcollect.sources.descriptors import most_workers  # noqa: PLC0415

        return min(self.concurrency, most_workers())

    def limits(self, bounds: BoundOptions) -> Limits:
        """Return what a fetch may take."""
        from memcollect.sources.agents import Limits  # noqa: PLC0415

        return Limits(
            concurrency=self.workers,
            timeout=bounds.timeout,
            process_ceiling_bytes=bounds.process_ceiling,
        )


class ClusterOptions(ConnectionOptions, frozen=True, kw_only=True):
    """Likewise, and how long its API server is waited for."""

    request_timeout: float


def namespaces_options(named: str, every: str) -> Callable[[Command], Command]:
    """Return -n and -A; the help says `named` of the one and `every` of the other."""
    namespaces = option(
        "-n",
        "--namespace",
        "namespaces",
        multiple=True,
        metavar="NAMESPACE",
        callback=clean_text,
        shell_complete=complete.namespaces,
        help=f"{named}; repeat it for more. [default: {DEFAULT_NAMESPACE}]",
    )
    all_namespaces = option("-A", "--all-namespaces", is_flag=True, help=every)
    return lambda function: namespaces(all_namespaces(function))


def _all(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return what adds the options in this order."""

    def decorate(function: Command) -> Command:
        for each in reversed(options):
            function = each(function)
        return function

    return decorate


def pod_options(nodes: str) -> Callable[[Command], Command]:
    """Return those of PodOptions but for the pods, an argument; of --nodes the help says `nodes`."""
    return _all(
        namespaces_options("Pods in this namespace", "Pods in all namespaces."),
        option(
            "-l",
            "--selector",
            metavar="SELECTOR",
            callback=clean_text,
            help=f"Pods with these labels; '' for all. [default: {DEFAULT_SELECTOR}, or all with -A or POD]",
        ),
        option(
            "--field-selector",
            metavar="SELECTOR",
            callback=clean_text,
            help="Pods with these fields, as in kubectl.",
        ),
        option("--nodes", is_flag=True, help=nodes),
    )


CONTEXT = option(
    "--context",
    metavar="NAME",
    callback=clean_text,
    shell_complete=complete.contexts,
    help="The kubeconfig context.",
)
CONCURRENCY = option(
    "--concurrency",
    type=click.IntRange(min=1, max=256),
    default=32,
    show_default=True,
    metavar="N",
    help="How many agents to ask at once.",
)
agent_options = _all(
    option(
        "--agent-namespace",
        default="memcollect",
        show_default=True,
        metavar="NAMESPACE",
        help="Where the agents run.",
    ),
    option(
        "--agent-selector",
        default="app.kubernetes.io/name=memcollect-agent",
        show_default=True,
        metavar="SELECTOR",
        help="The agents' labels.",
    ),
    option(
        "--agent-port",
        type=click.IntRange(1, 65535),
        default=DEFAULT_PORT,
        show_default=True,
        metavar="PORT",
        help="The agents' port on their pods' loopback.",
    ),
)
cluster_options = _all(
    CONTEXT,
    option(
        "--kubeconfig",
        metavar="FILE",
        shell_complete=complete.files,
        help="The kubeconfig file. [default: $KUBECONFIG, or ~/.kube/config]",
    ),
    CONCURRENCY,
    option(
        "--request-timeout",
        type=Duration(min=0, min_open=True, max=600),
        default="30s",
        show_default=True,
        metavar="DURATION",
        help="How long to wait for each answer of the API server; it is asked up to four times.",
    ),
    agent_options,
)
"""Those of ClusterOptions."""
