"""The cluster path of `memcollect snapshot`: which cluster, which pods, which agents."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from memcollect.commands.options import clean_text, option
from memcollect.errors import UsageError

DEFAULT_NAMESPACE = "deer-flow"
DEFAULT_SELECTOR = "app=deer-flow-sandbox"
"""Those of the profile script that memcollect replaces."""
Command = TypeVar("Command", bound="Callable[..., Any]")

OPTIONS = (
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
    option("--context", metavar="NAME", help="The kubeconfig context to use."),
    option(
        "--kubeconfig", metavar="FILE", envvar="KUBECONFIG", show_envvar=True, help="The kubeconfig file."
    ),
    option(
        "--concurrency",
        type=click.IntRange(min=1, max=256),
        default=32,
        show_default=True,
        help="How many agents are asked at once.",
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
        default=9765,
        show_default=True,
        help="The agents' port, on their pods' loopback.",
    ),
)


def cluster_options(function: Command) -> Command:
    """Add the options that choose a cluster, pods and agents."""
    for each in reversed(OPTIONS):
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


@contextmanager
def progress_line() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that shows how far it is: on standard error, and on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda _what, _done, _of: None
        return

    def show(what: str, done: int, of: int) -> None:
        count = f" {done}/{of}" if of else ""
        sys.stderr.write(f"\r\x1b[Kmemcollect: {what}{count} ")
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
