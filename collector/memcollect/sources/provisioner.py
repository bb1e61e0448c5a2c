"""Requests to an HTTP service that makes sandboxes. Nothing is tried twice: a creation may have worked."""

from collections.abc import Mapping

import urllib3
from msgspec import Struct

from memcollect.errors import ProvisionerError
from memcollect.sources.plain import plain
from memcollect_agent import __version__

LARGEST_ANSWER_BYTES = 1 << 20
_CHUNK = 1 << 16
_GOOD = range(200, 300)
_GIVEN_UP = frozenset({408, 504})
"""Answers of a proxy that has waited long enough: what it has asked may be at work still."""


class ProvisionerCall(Struct, frozen=True, kw_only=True):
    """One request, everything filled in. `headers` may hold secrets: they are never shown."""

    method: str
    url: str
    body: str = ""
    content_type: str = "application/json"
    headers: Mapping[str, str] = {}


def ask(
    pool: urllib3.PoolManager, call: ProvisionerCall, seconds: float, also_good: frozenset[int] = frozenset()
) -> bytes:
    """Return the beginning of the answer's body, as it was sent. Raises ProvisionerError.

    A status of 2xx is good, and so are those of `also_good`. `pool` is a `timed` one: `seconds` are for all.
    """
    where = plain(f"{call.method} {call.url}", 120)
    headers = {
        "User-Agent": f"memcollect/{__version__}",
        "Accept-Encoding": "identity",
        **call.headers,
    }
    if call.body:
        headers["Content-Type"] = call.content_type
    try:
        response = pool.request(
            call.method,
            call.url,
            body=call.body.encode() or None,
            headers=headers,
            timeout=urllib3.Timeout(total=seconds, connect=min(10.0, seconds)),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        try:
            content = _read(response)
        finally:
            response.close()
    except (urllib3.exceptions.ReadTimeoutError, TimeoutError) as error:
        raise ProvisionerError(
            f"The provisioner did not answer {where} within {seconds:g} s.",
            "It may do one request after the other; raise the source's request_timeout.",
            unanswered=True,
        ) from error
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        raise ProvisionerError(
            f"The provisioner did not answer {where}: {plain(str(error), 120)}.",
            "Check the source's url, and that it can be reached from here.",
            # A connection that broke had been made; all else here comes before anything is sent.
            unanswered=isinstance(error, urllib3.exceptions.ProtocolError),
        ) from error
    if response.status not in _GOOD and response.status not in also_good:
        said = plain(content[:2000].decode("utf-8", "replace"), 160)
        hint = (
            "Check the source's headers and their environment variables."
            if response.status in (401, 403)
            else ""
        )
        sentence = f"The provisioner answered {where} with HTTP {response.status}: {said}."
        given_up = response.status in _GIVEN_UP
        raise ProvisionerError(sentence, hint, status=response.status, unanswered=given_up)
    return content


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    content = bytearray()
    while len(content) < LARGEST_ANSWER_BYTES and (chunk := response.read1(_CHUNK)):
        content += chunk
    return bytes(content[:LARGEST_ANSWER_BYTES])
