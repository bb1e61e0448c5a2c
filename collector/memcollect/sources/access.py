"""Whether the user has a right: the API server's own answer (SelfSubjectAccessReview)."""

from typing import Any

import msgspec
from msgspec import Struct

from memcollect.errors import ClusterError
from memcollect.kubernetes.objects import AccessReview
from memcollect.sources.api import Api
from memcollect.sources.plain import plain
from memcollect.sources.rights import Right

PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"

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
