"""What goes back to a client: an answer, or a refusal in one sentence."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Final, Literal, cast

import msgspec
from msgspec import Struct, field

from memcollect_agent.wire import CgroupHistory

MESSAGE_PACK: Final = "application/msgpack"
JSON: Final = "application/json"
TEXT = "text/plain; charset=utf-8"

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


def packer(form: Form) -> Callable[[CgroupHistory], CgroupHistory]:
    """Return what puts a cgroup's encoded points in its place, until the whole around it is encoded."""
    # The encoder takes Raw for anything, which the types of the structs cannot say.
    return lambda one: cast("CgroupHistory", msgspec.Raw(encoded(one, form)))


def encoded(value: Struct, form: Form) -> bytes:
    """Return `value` as `form` writes it."""
    return msgspec.json.encode(value) if form == JSON else msgspec.msgpack.encode(value)
