"""A watch: what a list selects, change by change, as one JSON document a line in a chunked answer.

As an API server's watch cache has it: from a resource version that is forgotten it is told an ERROR with a
Status of 410 and the stream ends; without one, and from "0", what is there comes first, as ADDED; an object
that begins or ceases to fit the selectors is ADDED or DELETED. Bookmarks come to who allows them.
"""

import time
from collections.abc import Callable, Iterator

import msgspec

from memcollect.testing import failures, listing
from memcollect.testing.cluster import Cluster
from memcollect.testing.exchange import Request
from memcollect.testing.failures import ApiError
from memcollect.testing.listing import ListOptions
from memcollect.testing.resources import Resource
from memcollect.testing.store import Change, Stored
from memcollect.testing.target import Target, target

_PAUSE_SECONDS = 0.2
_LONGEST_SECONDS = 1800.0


def wanted(cluster: Cluster, request: Request) -> Target | None:
    """Return what a request watches; None where it is no watch, or of nothing that is served."""
    if request.method != "GET" or request.query.get("watch", ("",))[-1] not in ("true", "1", "True"):
        return None
    try:
        asked = target(cluster, request.path)
    except ApiError:
        return None  # the answer to a list says why
    return asked if asked is not None and not asked.subresource else None


def accept(cluster: Cluster, asked: Target, request: Request) -> Iterator[bytes]:
    """Return the lines of the watch, each when it is known; b"" where there is none yet.

    Raises ApiError (400, 401, 403, 405) before the first.
    """
    user = cluster.access.user(request.authorization)
    if "watch" not in asked.resource.verbs:
        raise failures.method_not_allowed()
    cluster.access.check(user, asked.attributes("watch"))
    options = listing.options(request.query)
    if options.resource_version and not options.resource_version.isdecimal():
        raise failures.bad_request(f'Invalid value: "{options.resource_version}": strconv.ParseUint')
    if asked.name:
        options = ListOptions(
            options.label_selector,
            f"metadata.name={asked.name}",
            resource_version=options.resource_version,
        )
    fits = listing.matcher(asked.resource, asked.namespace, options)
    seconds = request.query.get("timeoutSeconds", ("",))[-1]
    until = time.monotonic() + (float(seconds) if seconds.isdecimal() else _LONGEST_SECONDS)
    bookmarks = request.query.get("allowWatchBookmarks", ("",))[-1] in ("true", "1", "True")
    return _lines(
        cluster, asked.resource, fits, int(options.resource_version or 0), until, bookmarks=bookmarks
    )


def _lines(  # noqa: PLR0913 # what was asked for
    cluster: Cluster,
    resource: Resource,
    fits: Callable[[Stored], bool],
    since: int,
    until: float,
    *,
    bookmarks: bool,
) -> Iterator[bytes]:
    store = cluster.store
    if not since:
        there, since = store.first_page(resource, 0)
        yield from (_line("ADDED", resource, each) for each in there if fits(each))
    marked = time.monotonic()
    ended = False
    while not ended:
        ended = time.monotonic() >= until
        changes = store.changes_since(since, min(_PAUSE_SECONDS, max(0.0, until - time.monotonic())))
        if changes is None:
            yield _error(failures.too_old(since, store.revision).status)
            return
        for change in changes:
            since = change.revision
            if change.resource == resource:
                yield from _told(change, fits)
        if bookmarks and time.monotonic() - marked >= cluster.bookmark_seconds:
            marked = time.monotonic()
            yield _bookmark(resource, since)
        yield b""
    if bookmarks:
        yield _bookmark(resource, since)


def _told(change: Change, fits: Callable[[Stored], bool]) -> Iterator[bytes]:
    before = change.before is not None and fits(change.before)
    after = change.after is not None and fits(change.after)
    if change.after is not None and after:
        yield _line("MODIFIED" if before else "ADDED", change.resource, change.after)
    elif before:
        last = change.after or change.before
        assert last is not None  # noqa: S101 # `before` says so
        yield _line("DELETED", change.resource, last.at(change.revision))


def _line(kind: str, resource: Resource, stored: Stored) -> bytes:
    head = f'{{"type":"{kind}","object":{{"kind":"{resource.kind}","apiVersion":"{resource.group_version}",'
    return head.encode() + stored.raw[1:] + b"}\n"


def _bookmark(resource: Resource, revision: int) -> bytes:
    told = {
        "kind": resource.kind,
        "apiVersion": resource.group_version,
        "metadata": {"resourceVersion": str(revision), "creationTimestamp": None},
    }
    return msgspec.json.encode({"type": "BOOKMARK", "object": told}) + b"\n"


def _error(status: object) -> bytes:
    return msgspec.json.encode({"type": "ERROR", "object": status}) + b"\n"
