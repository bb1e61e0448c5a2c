"""What to say where a selection holds no pod, or a name is no pod's: who is there instead."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import islice

import msgspec

from memcollect.documents.snapshot import Missing
from memcollect.errors import ClusterError
from memcollect.join.recognise import looks_like_sandbox
from memcollect.nearest import nearest
from memcollect.sources.api import Api
from memcollect.sources.listed_names import listed_names
from memcollect.sources.pods import NOT_FOUND, Selection, list_pods

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


def with_likely(api: Api, selection: Selection, missing: Sequence[Missing]) -> list[Missing]:
    """Return `missing`, of each name that no pod has with those that may be meant.

    Where there is such a name, asks the API server for the pods of the same namespaces, then for all, until
    one is like it; what that cannot say is left out.
    """

    @cache
    def there(place: str | None) -> list[tuple[str, str]]:
        with contextlib.suppress(ClusterError):
            return listed_names(api, "pods", place, MOST_LOOKED_AT)
        return []

    places = dict.fromkeys([*selection.places, None])
    return [_with_meant(each, map(there, places)) if each.reason == NOT_FOUND else each for each in missing]


def _with_meant(missing: Missing, known: Iterable[list[tuple[str, str]]]) -> Missing:
    """Return the entry with whoever of the first list is called so elsewhere, or nearly so."""
    meant = next(filter(None, (_meant(missing.name, names) for names in known)), "")
    detail = f"There is no pod {missing.name}. Did you mean {meant}?" if meant else missing.detail
    return msgspec.structs.replace(missing, detail=detail)


def _meant(written: str, names: Sequence[tuple[str, str]]) -> str:
    full = [f"{namespace}/{name}" for namespace, name in names]
    same = [each for each in full if each.endswith(f"/{written.rpartition('/')[2]}")]
    alike = full if "/" in written else [name for _, name in names]
    return " or ".join(same[:MOST_NAMED]) or nearest(written, alike)


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
