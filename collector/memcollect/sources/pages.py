"""Large lists, page by page: at most one page stands in memory."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec

from memcollect.documents.snapshot import Missing
from memcollect.errors import AnswerError
from memcollect.kubernetes.objects import Page, RawPage
from memcollect.sources.api import Api, Query
from memcollect.sources.plain import plain
from memcollect.sources.rights import Right

PAGE = 500
"""As kubectl asks for."""
RESTARTS = 3
MOST_TOLD = 1_000
"""Objects of a strange shape in one page that are named each; of further ones it is said how many."""
MOST_PAGES = 2_000
"""A million objects; clusters have a fifth of that at most."""

Item = TypeVar("Item", bound=msgspec.Struct)
Report = Callable[[Missing], None]
"""Where what was asked for and cannot be had is told: an entry of the document's `missing`."""

_EXPIRED = 410


class Listing(msgspec.Struct, Generic[Item], frozen=True):
    """A list to go through: where it is, the right it needs, what its objects are decoded as."""

    path: str
    right: Right
    kind: type[Item]
    query: Query = ()


def items(api: Api, listing: Listing[Item], report: Report) -> Iterator[Item]:
    """Yield every object of the list, each once.

    A list that grows stale between two pages (410) is begun again, at most three times, and what was
    yielded before is left out. An object of a strange shape is reported and left out, not its page.
    Raises what `Api.get` raises; objects already yielded stay good.
    """
    seen: set[tuple[str, str, str]] = set()
    for restart in range(RESTARTS + 1):
        try:
            for page in _pages(api, listing, report):
                yield from _unseen(page, seen)
        except AnswerError as error:
            if error.status != _EXPIRED or restart == RESTARTS:
                raise
        else:
            return


def _pages(api: Api, listing: Listing[Item], report: Report) -> Iterator[list[Item]]:
    token = ""
    for _ in range(MOST_PAGES):
        # No name is given to the bytes: those of a whole page would otherwise live as long as its objects.
        page = _decoded(
            api, api.get(listing.path, listing.right, _page_query(listing.query, token)), listing, report
        )
        yield page.items or []
        token = page.metadata.continue_
        if not token:
            return
    raise AnswerError(
        f"The API server at {api.cluster.server} has a list of {listing.right} without an end.",
        "Choose fewer with a selector or namespaces.",
    )


def _page_query(query: Query, token: str) -> Query:
    """Return the query of one page; the API refuses a resourceVersion beside a token."""
    if not token:
        return [*query, ("limit", str(PAGE))]
    kept = [(key, value) for key, value in query if key != "resourceVersion"]
    return [*kept, ("limit", str(PAGE)), ("continue", token)]


def _unseen(found: list[Item], seen: set[tuple[str, str, str]]) -> Iterator[Item]:
    for item in found:
        metadata = item.metadata  # type: ignore[attr-defined]  # every listed kind has one
        # The UID alone would do in a sound cluster; where two objects bear one, neither is to be lost.
        identity = (metadata.namespace, metadata.name, metadata.uid)
        if identity not in seen:
            seen.add(identity)
            yield item


@cache
def _decoder(kind: Any) -> "msgspec.json.Decoder[Any]":
    return msgspec.json.Decoder(kind)


def _decoded(api: Api, body: bytes, listing: Listing[Item], report: Report) -> Page[Item]:
    page: Page[Item]
    try:
        page = _decoder(Page[listing.kind]).decode(body)  # type: ignore[name-defined]  # made at run time
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raw: RawPage = api.decode(_decoder(RawPage), body, listing.path)
        return Page(list(_salvaged(raw, listing.kind, report)), raw.metadata)
    return page


def _salvaged(page: RawPage, kind: type[Item], report: Report) -> Iterator[Item]:
    strange = 0
    for raw in page.items or []:
        try:
            item: Item = _decoder(kind).decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            strange += 1
            if strange <= MOST_TOLD:
                report(
                    _malformed(
                        kind.__name__, _name(raw), f"an object of a strange shape: {plain(str(error))}"
                    )
                )
        else:
            yield item
    if strange > MOST_TOLD:
        others = f"{strange - MOST_TOLD:,} others"
        report(_malformed(kind.__name__, others, f"{strange:,} objects of a strange shape in one page"))


def _malformed(kind: str, name: str, what: str) -> Missing:
    detail = f"The API server's answer has {what}."
    return Missing(kind=kind.lower(), name=name, reason="malformed", detail=detail)


def _name(raw: msgspec.Raw) -> str:
    try:
        metadata = msgspec.json.decode(raw).get("metadata", {})
        return plain(f"{metadata.get('namespace', '')}/{metadata.get('name', '?')}".lstrip("/"))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, AttributeError):
        return "?"
