"""What the shell completes: contexts, namespaces, pods, nodes. Soon, silent, and never with an error."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem

from memcollect.commands.config import settings
from memcollect.commands.default_pods import DEFAULT_NAMESPACE
from memcollect.errors import CollectorError

MOST_SECONDS = 3.0
"""Somebody has pressed a key and waits."""
REQUEST_SECONDS = 2.0
MOST_NAMES = 1000
MOST_DOCUMENT_BYTES = 64 << 20
"""Of a saved snapshot whose pods are completed; a larger one takes too long to read."""


def contexts(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the kubeconfig's contexts."""

    def names() -> Iterable[str]:
        from memcollect.sources.contexts import context_names  # noqa: PLC0415

        return context_names(_chosen(context, "kubeconfig"))

    return _offered(names, incomplete)


def namespaces(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the cluster's namespaces."""
    return _offered(lambda: _listed(context, "namespaces", [None]), incomplete)


def nodes(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the cluster's nodes."""
    return _offered(lambda: _listed(context, "nodes", [None]), incomplete)


def pods(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the pods of the chosen namespaces; NAMESPACE/NAME where a slash was typed, or with -A."""
    namespace, slash, _ = incomplete.partition("/")
    everywhere = bool(_chosen(context, "all_namespaces"))
    places: list[str | None] = [namespace] if slash else [None]
    if not (slash or everywhere):
        chosen = _chosen(context, "namespaces") or DEFAULT_NAMESPACE
        places = [chosen] if isinstance(chosen, str) else list(chosen)
    qualified = bool(slash) or everywhere
    return _offered(lambda: _listed(context, "pods", places, qualified=qualified), incomplete)


def files(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Leave it to the shell to complete a file's name."""
    return [CompletionItem(incomplete, type="file")]


def files_or_pods(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete a saved snapshot's file, or a pod of the cluster."""
    return [*files(context, parameter, incomplete), *pods(context, parameter, incomplete)]


def plans(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the plans that come with memcollect, or a file."""
    return [*files(context, parameter, incomplete), *_offered(_shipped, incomplete)]


def sources(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the sources that come with memcollect, or a file."""
    return [*files(context, parameter, incomplete), *_offered(lambda: _shipped("sources"), incomplete)]


def _shipped(folder: str = "") -> Iterable[str]:
    from memcollect.profile.plan.shipped import names  # noqa: PLC0415

    return names(folder)


def saved_pods(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete the pods of the snapshot that was named before."""

    def names() -> Iterable[str]:
        from memcollect.documents.files import decode_snapshot, read_bytes  # noqa: PLC0415

        document = context.params.get("document")
        if not document or document == "-":
            return []
        stored = decode_snapshot(read_bytes(document, MOST_DOCUMENT_BYTES), document)
        return [name for pod in stored.pods for name in (pod.name, pod.full_name)]

    return _offered(names, incomplete)


def _offered(names: Callable[[], Iterable[str]], incomplete: str) -> list[CompletionItem]:
    """Return what `names` gives in time and begins with what was typed; nothing where anything is wrong."""
    found: list[str] = []

    def ask() -> None:
        with contextlib.suppress(Exception):
            found.extend(names())

    _silence()
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(MOST_SECONDS)
    fitting = dict.fromkeys(
        name for name in list(found) if name.startswith(incomplete) and name.isprintable()
    )
    return [CompletionItem(name) for name in fitting]


def _silence() -> None:
    """Keep the programs that a kubeconfig starts for credentials from the terminal."""
    with contextlib.suppress(OSError, ValueError):
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (sys.stdin, sys.stderr):
            os.dup2(nothing, stream.fileno())
        os.close(nothing)


def _chosen(context: click.Context, name: str) -> Any:
    """Return what was typed, or stands in the environment or the config file; None where nothing does."""
    value = context.params.get(name)
    if value:
        return value
    key = next((max(each.opts, key=len)[2:] for each in context.command.params if each.name == name), name)
    with contextlib.suppress(CollectorError):
        stated = {each.key: each.value for each in settings(context.find_root().params.get("profile"))}
        return stated.get(key)
    return None


def _listed(
    context: click.Context, kind: str, places: list[str | None], *, qualified: bool = False
) -> Iterable[str]:
    # Imported here, in the thread whose time is bounded: the official client takes a second.
    from memcollect.sources.api import Api, Patience  # noqa: PLC0415
    from memcollect.sources.kube_config import connect  # noqa: PLC0415
    from memcollect.sources.listed_names import listed_names  # noqa: PLC0415

    cluster = connect(_chosen(context, "kubeconfig"), _chosen(context, "context"))
    patience = Patience(timeout=REQUEST_SECONDS, total=REQUEST_SECONDS, tries=1)
    with Api(cluster, patience) as api:
        for place in places:
            for namespace, name in listed_names(api, kind, place, MOST_NAMES):
                yield f"{namespace}/{name}" if qualified else name
