"""What the API server's refusals mean to the person who asked. Pure."""

import re

import msgspec

from memcollect.errors import (
    AnswerError,
    ClusterError,
    DeniedError,
    MissingError,
    UnauthorizedError,
)
from memcollect.kubernetes.objects import Status
from memcollect.sources.plain import plain
from memcollect.sources.rights import Right

_MISTAKES = frozenset({400, 422})
"""Bad Request and Unprocessable Entity: the asker's own; 409 and 429 pass, 5xx is the server's."""
_OF_A_RIGHT = re.compile(r'\bUser ".*" cannot ')
"""How every authorizer's refusal is put (responsewriters.Forbidden); admission has other words."""
_VERB = re.compile(r'\bUser ".*" cannot (\w+) resource "')
_OF_ADMISSION = re.compile(r'".*" is forbidden: |\bdenied the request')
_STATUS = msgspec.json.Decoder(Status)


def status_of(body: bytes) -> Status:
    """Return the Status object in `body`; an empty one where it is something else (a proxy's page)."""
    try:
        return _STATUS.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Status()


def refusal(http_status: int, body: bytes, right: Right, server: str) -> ClusterError:
    """Return the error that an answer of `http_status` to a request that needed `right` is."""
    status = status_of(body)
    said = plain(status.message or body.decode("utf-8", "replace")) or f"HTTP {http_status}"
    if http_status == 401:
        return UnauthorizedError(
            f"The API server at {server} does not accept the credentials ({said}).",
            "Log in again, or choose another --context.",
        )
    if http_status == 403 and _is_by_admission(said):
        return AnswerError(
            f"You may {right}, but not this one: {said}.",
            _remedy_of_admission(said, right),
            status=http_status,
        )
    if http_status == 403:
        return DeniedError(
            f"You may not {right}: {said}.",
            f"Ask for that right (deploy/ has the role), then check with `{right.command}`.",
        )
    if http_status == 404:
        return MissingError(
            f"The API server has no {right.full_resource} {right.place} to show: {said}.",
            is_resource=status.kind == "Status" and status.details is not None and bool(status.details.name),
        )
    if http_status in _MISTAKES:
        return AnswerError(
            f"The API server at {server} refuses `{right}` as it was asked for: {said}.",
            "Correct what it names (a selector, a namespace or a name); asking again changes nothing.",
            status=http_status,
        )
    return AnswerError(
        f"The API server at {server} answered HTTP {http_status} to `{right}`: {said}.",
        "Try again; if it stays, look at `kubectl get --raw /readyz?verbose`.",
        status=http_status,
    )


def refused_in_pod(said: str, namespace: str, subresource: str) -> str:
    """Return the sentence on a WebSocket to a pod that was forbidden.

    It asks `get`, and who has that (from Kubernetes 1.35 on) `create`; where that lacks, no verb is named.
    """
    verb = _VERB.search(said)
    right = Right(verb[1] if verb else "create", "pods", namespace=namespace, subresource=subresource)
    return f"You may not {right}: {said.rstrip(' .:')}; check with `{right.command}`."


def _is_by_admission(said: str) -> bool:
    """Whether the right is there, and a rule of the cluster or the namespace refused the object itself."""
    return _OF_ADMISSION.search(said) is not None and _OF_A_RIGHT.search(said) is None


def _remedy_of_admission(said: str, right: Right) -> str:
    if "exceeded quota" in said:
        return f"See `kubectl describe quota -n {right.namespace}`: you lack no right, but room in it."
    return "Change what it names, in the manifest or in the rules of the namespace: you lack no right."
