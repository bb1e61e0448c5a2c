"""What goes back to a client: an answer, or a refusal in one sentence."""

import struct
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Final, Literal, cast

import msgspec
from msgspec import Struct, field

from memcollect_agent.wire import CgroupHistory

MESSAGE_PACK: Final = "application/msgpack"
JSON: Final = "application/json"
TEXT = "text/plain; charset=utf-8"

_ARRAY32 = 0xDD
_ARRAY_HEAD = struct.Struct(">BI")
"""MessagePack's array 32: its mark and the number of items, whatever there are."""

Form = Literal["application/msgpack", "application/json"]
"""How a struct is written."""


class Answer(Struct, frozen=True, kw_only=True):
    """A whole HTTP answer, ready to be sent."""

    status: HTTPStatus = HTTPStatus.OK
    content_type: str = TEXT
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818 - an answer as much as an error
    """A request that is not served: its status, and a sentence for a person."""

    def __init__(self, status: HTTPStatus, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def answer(self) -> Answer:
        """Return what is sent."""
        return Answer(status=self.status, body=f"{self.sentence}\n".encode(), headers=self.headers)


def form_of(accept: str) -> Form:
    """Return how a client with this Accept header wants its struct: MessagePack unless it names only JSON."""
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    return JSON if JSON in kinds and MESSAGE_PACK not in kinds else MESSAGE_PACK


def packer(form: Form) -> Callable[[Iterable[CgroupHistory]], list[CgroupHistory]]:
    """Return what encodes cgroups one after the other, until the whole around them is encoded.

    All of them into one block: thousands of small ones stay behind in the allocator of each thread.
    """
    # The encoder takes Raw for anything, which the types of the structs cannot say.
    return lambda many: cast(
        "list[CgroupHistory]", msgspec.Raw(_json_array(many) if form == JSON else _packed_array(many))
    )


def _json_array(many: Iterable[CgroupHistory]) -> bytearray:
    encoder, whole = msgspec.json.Encoder(), bytearray(b"[")
    for one in many:
        if len(whole) > 1:
            whole += b","
        encoder.encode_into(one, whole, -1)
    whole += b"]"
    return whole


def _packed_array(many: Iterable[CgroupHistory]) -> bytearray:
    encoder, whole, count = msgspec.msgpack.Encoder(), bytearray(_ARRAY_HEAD.size), 0
    for count, one in enumerate(many, 1):  # noqa: B007 - the last is needed behind the loop
        encoder.encode_into(one, whole, -1)
    _ARRAY_HEAD.pack_into(whole, 0, _ARRAY32, count)
    return whole


def encoded(value: Struct, form: Form) -> bytes:
    """Return `value` as `form` writes it."""
    return msgspec.json.encode(value) if form == JSON else msgspec.msgpack.encode(value)
