"""The handshake: which versions of the wire structs understand each other.

Fields are only ever added, with defaults, so whoever speaks the neighbouring schema is understood: what
is new is ignored by the older side, what is old lacks a few fields on the newer. A client says what it
speaks in the header Memcollect-Schema, one number or a range ("1", "1-2"). One that says nothing is
taken to be a person with curl, and held to this agent's own schema.
"""

import re
from http import HTTPStatus

from memcollect_agent.redact import visible
from memcollect_agent.serve.answers import Refusal
from memcollect_agent.wire import SCHEMA_VERSION

HEADER = "Memcollect-Schema"
NEIGHBOURS = 1
"""How many schemas older or newer than one's own are understood."""

_SPOKEN = re.compile(r"\s*([0-9]{1,6})(?:\s*-\s*([0-9]{1,6}))?\s*")


def check(header: str, own: int = SCHEMA_VERSION) -> None:
    """Return when a client that sent `header` and this agent understand each other.

    Raises Refusal: 426 and what to upgrade, or 400 where the header says nothing that can be read.
    """
    match = _SPOKEN.fullmatch(header)
    if match is None:
        shown = visible(header[:40])
        raise Refusal(
            HTTPStatus.BAD_REQUEST, f"{HEADER} says '{shown}': it must be a number or a range, such as {own}."
        )
    oldest, newest = sorted((int(match[1]), int(match[2] or match[1])))
    if newest < own - NEIGHBOURS:
        raise Refusal(
            HTTPStatus.UPGRADE_REQUIRED,
            f"This agent speaks schema {own} and the collector only {newest}: "
            f"upgrade the collector (memcollect) to a release with schema {own}.",
        )
    if oldest > own + NEIGHBOURS:
        raise Refusal(
            HTTPStatus.UPGRADE_REQUIRED,
            f"The collector speaks schema {oldest} and this agent only {own}: "
            f"upgrade the agent (its DaemonSet's image) to a release with schema {oldest}.",
        )
