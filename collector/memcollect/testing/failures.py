"""The Status objects an API server answers with when it will not do what was asked.

The texts and fields are protocol: clients print them and tests of ours compare them with recorded ones.
"""

import json
from typing import Any

from memcollect.testing.resources import Resource

_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
    "that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list."
)


class ApiError(Exception):
    """A request that is answered with a Status; `status` is the object, `code` its HTTP code."""

    def __init__(
        self, code: int, reason: str, message: str, details: dict[str, Any] | None = None, *, token: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": token} if token else {},
            "status": "Failure",
            "message": message,
            "reason": reason,
        }
        if details is not None:
            self.status["details"] = details
        self.status["code"] = code


def _details(resource: Resource, name: str) -> dict[str, Any]:
    # metrics-server leaves its group out of the details of a 404 (recorded), as the core group does.
    group = resource.group if resource.stored else ""
    named: dict[str, Any] = {"name": name} if name else {}
    if group:
        named["group"] = group
    return {**named, "kind": resource.plural}


def qualified(resource: Resource) -> str:
    """`pods` for the core group, else `daemonsets.apps`: how messages name a resource."""
    return f"{resource.plural}.{resource.group}" if resource.group else resource.plural


def unauthorized() -> ApiError:
    """Return the 401 for a missing or unknown token."""
    return ApiError(401, "Unauthorized", "Unauthorized")


def not_found(resource: Resource, name: str) -> ApiError:
    """Return the 404 for an object that does not exist."""
    subject = qualified(resource) if resource.stored else resource.plural
    return ApiError(404, "NotFound", f'{subject} "{name}" not found', _details(resource, name))


def no_such_resource() -> ApiError:
    """Return the 404 for a resource that a served group does not have."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> ApiError:
    """Return the 405 for a verb that the resource does not have."""
    text = "the server does not allow this method on the requested resource"
    return ApiError(405, "MethodNotAllowed", text, {})


def unsupported_media_type() -> ApiError:
    """Return the 415 for a body that is not JSON."""
    text = "the body of the request was in an unknown format - accepted media types include: application/json"
    return ApiError(415, "UnsupportedMediaType", text, {})


def unsupported_patch(accepted: str) -> ApiError:
    """Return the 415 for a patch of another kind."""
    text = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return ApiError(415, "UnsupportedMediaType", text, {})


def already_exists(resource: Resource, name: str) -> ApiError:
    """Return the 409 for creating what exists."""
    message = f'{qualified(resource)} "{name}" already exists'
    return ApiError(409, "AlreadyExists", message, _details(resource, name))


def conflict(resource: Resource, name: str, wanted: str, found: str) -> ApiError:
    """Return the 409 for a precondition on the UID that does not hold."""
    message = (
        f'Operation cannot be fulfilled on {qualified(resource)} "{name}": Precondition failed: '
        f"UID in precondition: {wanted}, UID in object meta: {found}"
    )
    return ApiError(409, "Conflict", message, _details(resource, name))


def invalid(resource: Resource, name: str, field: str, value: Any, why: str) -> ApiError:
    """Return the 422 for a field whose value cannot be."""
    what = f"Invalid value: {json.dumps(value)}: {why}"
    message = f'{resource.kind} "{name}" is invalid: {field}: {what}'
    causes = [{"reason": "FieldValueInvalid", "message": what, "field": field}]
    return ApiError(422, "Invalid", message, {"name": name, "kind": resource.kind, "causes": causes})


def internal_error(why: str) -> ApiError:
    """Return the 500 for what the server itself has run out of."""
    details = {"causes": [{"message": why}]}
    return ApiError(500, "InternalError", f"Internal error occurred: {why}", details)


def expired(token: str) -> ApiError:
    """Return the 410 for a page of a list that the server has forgotten; `token` continues inconsistently."""
    return ApiError(410, "Expired", _EXPIRED, token=token)


def too_old(asked: int, present: int) -> ApiError:
    """Return the 410 for a watch from a resource version that is forgotten."""
    return ApiError(410, "Expired", f"too old resource version: {asked} ({present})")


def outdated(resource: Resource, name: str) -> ApiError:
    """Return the 409 for a change of an object that has changed since it was read."""
    message = (
        f'Operation cannot be fulfilled on {qualified(resource)} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return ApiError(409, "Conflict", message, _details(resource, name))


def bad_request(message: str) -> ApiError:
    """Return the 400 for a request that means nothing."""
    return ApiError(400, "BadRequest", message)
