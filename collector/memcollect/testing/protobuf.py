"""A SelfSubjectAccessReview in Kubernetes' protobuf, which is how kubectl 1.32 and later send it.

Four bytes of magic, then a runtime.Unknown whose second field is the object. Field numbers are those of
k8s.io/api/authorization/v1/generated.proto. The answer may be JSON all the same: clients accept both.
"""

from typing import Any

MAGIC = b"k8s\0"
_UNKNOWN_RAW, _REVIEW_SPEC, _SPEC_RESOURCE, _SPEC_PATH = 2, 2, 1, 2
_RESOURCE = {1: "namespace", 2: "verb", 3: "group", 4: "version", 5: "resource", 6: "subresource", 7: "name"}
_PATH = {1: "path", 2: "verb"}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def access_review(body: bytes) -> dict[str, Any]:
    """Return the review as its JSON form has it. Raises ValueError for what is not protobuf."""
    unknown = _fields(body.removeprefix(MAGIC))
    spec = _fields(_fields(unknown.get(_UNKNOWN_RAW, b"")).get(_REVIEW_SPEC, b""))
    document: dict[str, Any] = {}
    if _SPEC_RESOURCE in spec:
        document["resourceAttributes"] = _texts(spec[_SPEC_RESOURCE], _RESOURCE)
    if _SPEC_PATH in spec:
        document["nonResourceAttributes"] = _texts(spec[_SPEC_PATH], _PATH)
    return {"spec": document}


def _texts(message: bytes, names: dict[int, str]) -> dict[str, str]:
    # Kubernetes' encoder writes empty strings too; its JSON leaves them out.
    found = _fields(message)
    return {name: found[number].decode() for number, name in names.items() if found.get(number)}


def _fields(message: bytes) -> dict[int, bytes]:
    """Return the length-delimited fields of a message by number; the last of equal ones counts."""
    found: dict[int, bytes] = {}
    offset = 0
    while offset < len(message):
        tag, offset = _varint(message, offset)
        number, wire = tag >> 3, tag & 7
        if wire == _VARINT:
            _, offset = _varint(message, offset)
            continue
        length = {_FIXED64: 8, _FIXED32: 4}.get(wire)
        if wire == _BYTES:
            length, offset = _varint(message, offset)
        if length is None or offset + length > len(message):
            raise ValueError(f"field {number} of wire type {wire} does not fit")
        if wire == _BYTES:
            found[number] = message[offset : offset + length]
        offset += length
    return found


def _varint(message: bytes, offset: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if offset >= len(message) or shift > 63:
            raise ValueError("a number that does not end")
        byte = message[offset]
        value |= (byte & 0x7F) << shift
        offset, shift = offset + 1, shift + 7
        if not byte & 0x80:
            return value, offset
