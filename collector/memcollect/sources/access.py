"""Whether the user has a right: the API server's own answer (SelfSubjectAccessReview)."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from memcollect.errors import ClusterError
from memcollect.kubernetes.objects import AccessReview
from memcollect.sources.api import Api
from memcollect.sources.plain import plain
from memcollect.sources.rights import Right, asks_create
from memcollect.sources.version import server_version

PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
MOST_UNANSWERED = 2
"""After so many questions without an answer the rest is not asked: what is refused will show."""

_REVIEW = msgspec.json.Decoder(AccessReview)
_ASK = Right("create", "selfsubjectaccessreviews", "authorization.k8s.io")


class Access(Struct, frozen=True):
    """One right and whether it is granted; None where the API server could not say, `detail` says why."""

    right: Right
    allowed: bool | None
    detail: str = ""


def review(api: Api, right: Right) -> Access:
    """Return whether the user of `api` has `right`. Raises nothing: a failure is an answer too."""
    try:
        status = api.decode(_REVIEW, api.post(PATH, _ASK, _question(right)), PATH).status
    except ClusterError as error:
        return Access(right, None, str(error))
    return Access(right, status.allowed, plain(status.reason or status.evaluation_error))


def lacking(api: Api, rights: Sequence[Right]) -> list[Right]:
    """Return those of `rights` that the user of `api` does not have. Raises nothing.

    Where the API server cannot say, nothing is held against anybody: what it refuses will be a result.
    """
    return [each for each in _refused(api, rights) if not (_is_late(each) and not _asks_create(api))]


def _refused(api: Api, rights: Sequence[Right]) -> Iterator[Right]:
    silent = 0
    for right in rights:
        allowed = review(api, right).allowed
        silent += allowed is None
        if silent >= MOST_UNANSWERED:
            return
        if allowed is False:
            yield right


def _is_late(right: Right) -> bool:
    return right.verb == "create" and right.subresource in {"exec", "portforward"}


def _asks_create(api: Api) -> bool:
    try:
        return asks_create(server_version(api))
    except ClusterError:
        return True


def _question(right: Right) -> dict[str, Any]:
    """Return the body: empty attributes mean "any" there, just as they do in Right."""
    attributes = {
        "verb": right.verb,
        "group": right.group,
        "resource": right.resource,
        "subresource": right.subresource,
        "namespace": right.namespace or "",
        "name": right.name,
    }
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
    }
