"""What to say where a selection holds no pod: who is there instead."""

from __future__ import annotations

from itertools import islice

import msgspec

from memcollect.documents.snapshot import Missing
from memcollect.errors import ClusterError
from memcollect.join.recognise import looks_like_sandbox
from memcollect.sources.api import Api
from memcollect.sources.pods import Selection, list_pods

MOST_LOOKED_AT = 2000
"""Pods of the same namespaces that are looked through for sandboxes."""
MOST_NAMED = 5


def nobody(api: Api, selection: Selection) -> Missing:
    """Return the entry of `missing` of a selection that no pod is in, with the sandboxes that it missed.

    Asks the API server once more, without the selector; what that cannot say is left out.
    """
    where = "any namespace" if selection.namespaces is None else ", ".join(selection.namespaces)
    narrowed = [part for part in (selection.selector, selection.field_selector) if part]
    matches = f"no pod in {where} matches" + (f" {' and '.join(narrowed)}" if narrowed else "")
    return Missing(
        kind="selection",
        name=" ".join(narrowed) or "all pods",
        reason="no-match",
        detail=f"{matches}; {_instead(api, selection) if narrowed else _check(where)}",
    )


def _check(where: str) -> str:
    return f"check the namespace ({where}) with `kubectl get pods -A`"


def _instead(api: Api, selection: Selection) -> str:
    wide = msgspec.structs.replace(selection, selector=None, field_selector=None)
    try:
        there = list(islice(list_pods(api, wide, lambda _: None), MOST_LOOKED_AT))
    except ClusterError:
        there = []
    if not there:
        where = " -A" if selection.namespaces is None else ""
        where = f" -n {selection.namespaces[0]}" if selection.namespaces else where
        return f"check the namespace and the selector with `kubectl get pods{where} --show-labels`"
    count = f"{len(there)}{' or more' if len(there) == MOST_LOOKED_AT else ''}"
    are = "pod is" if len(there) == 1 else "pods are"
    alike = [f"{pod.metadata.namespace}/{pod.metadata.name}" for pod in there if looks_like_sandbox(pod)]
    if not alike:
        return f"{count} other {are} there: --selector '' takes them all"
    more = f" and {len(alike) - MOST_NAMED} more" if len(alike) > MOST_NAMED else ""
    named = ", ".join(alike[:MOST_NAMED]) + more
    verb = "looks" if len(alike) == 1 else "look"
    return f"{count} other {are} there; {named} {verb} like sandboxes: name them, or use --selector ''"
