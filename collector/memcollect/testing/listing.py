"""A list request answered from the store: selectors, limit and continue, resourceVersion=0."""

import bisect
import dataclasses
from collections.abc import Callable, Mapping, Sequence

from memcollect.testing import failures, selectors
from memcollect.testing.resources import Resource
from memcollect.testing.store import Page, Store, Stored, encode_token, field_names


@dataclasses.dataclass(frozen=True, slots=True)
class ListOptions:
    """What a list request asks for; `limit` 0 means everything."""

    label_selector: str = ""
    field_selector: str = ""
    limit: int = 0
    token: str = ""
    resource_version: str = ""


def options(query: Mapping[str, Sequence[str]]) -> ListOptions:
    """Return the options of a query string. Raises ApiError (400)."""

    def last(name: str) -> str:
        return query.get(name, ("",))[-1]

    limit = last("limit") or "0"
    if not limit.isdecimal():
        raise failures.bad_request(f'strconv.ParseInt: parsing "{limit}": invalid syntax')
    return ListOptions(
        last("labelSelector"), last("fieldSelector"), int(limit), last("continue"), last("resourceVersion")
    )


def page(store: Store, resource: Resource, namespace: str, asked: ListOptions) -> Page:
    """Return one page of a list. Raises ApiError (400, 410)."""
    if not resource.stored:
        return Page(tuple(_matching(store.all(resource), resource, namespace, asked)), 0)
    # An API server answers resourceVersion=0 from its watch cache, which knows no pages.
    limit = 0 if asked.resource_version == "0" and not asked.token else asked.limit
    start = ""
    if asked.token:
        everything, revision, start = store.snapshot(resource, asked.token)
    else:
        everything, revision = store.first_page(resource, limit)
    prefix = f"/{namespace}" if namespace else ""
    found = _matching(_after(everything, prefix + start), resource, namespace, asked)
    if not limit or len(found) <= limit:
        return Page(tuple(found), revision)
    # The key of a token is relative to what was listed, and its last byte makes it the next one.
    last_key = found[limit - 1].key.removeprefix(prefix) + "\0"
    selected = bool(asked.label_selector or asked.field_selector)
    remaining = None if selected else len(found) - limit
    return Page(tuple(found[:limit]), revision, encode_token(revision, last_key), remaining)


def _after(everything: tuple[Stored, ...], start: str) -> Sequence[Stored]:
    first = bisect.bisect_left(everything, start.encode(), key=lambda stored: stored.key.encode())
    return everything[first:]


def _matching(
    candidates: Sequence[Stored], resource: Resource, namespace: str, asked: ListOptions
) -> Sequence[Stored]:
    if not (namespace or asked.label_selector or asked.field_selector):
        return candidates
    fits = matcher(resource, namespace, asked)
    return [stored for stored in candidates if fits(stored)]


def matcher(resource: Resource, namespace: str, asked: ListOptions) -> Callable[[Stored], bool]:
    """Return a test of an object for namespace and selectors. Raises ApiError (400)."""
    tests: list[Callable[[Stored], bool]] = []
    if namespace:
        tests.append(lambda stored: stored.namespace == namespace)
    if asked.label_selector:
        labelled = selectors.labels(asked.label_selector)
        tests.append(lambda stored: labelled(stored.labels))
    if asked.field_selector:
        having = selectors.fields(asked.field_selector, field_names(resource))
        tests.append(lambda stored: having(stored.fields))
    return lambda stored: all(test(stored) for test in tests)
