"""Questions to the API server: raw bytes by the official client's connection pool, decoded by msgspec.

The client's generated calls are not used for reading: their models cost more than ten times the time
and memory, their retries follow no deadline, and `call_api` is another function in every major version.
What is used, `configuration.auth_settings()` and `rest_client.pool_manager`, is the same in all of them.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlencode

import msgspec
import urllib3

from memcollect.errors import AnswerError, ClusterError, UnreachableError
from memcollect.sources.deadline import Deadline, asked_pause
from memcollect.sources.plain import plain
from memcollect.sources.refusals import refusal
from memcollect.sources.rights import Right
from memcollect.sources.timed import timed
from memcollect_agent import __version__

if TYPE_CHECKING:
    # It brings the whole client, and processes that explain nodes come by this module without any cluster.
    from memcollect.sources.kube_config import Cluster

Query = Sequence[tuple[str, str]]
T = TypeVar("T")

RETRIED = frozenset({429, 500, 502, 503, 504})
_CHUNK = 1 << 16
_ENCODINGS = frozenset({"", "identity", "gzip"})
"""One at a time: gzip within gzip unpacks to a million times its size."""
_TLS_FAULTS = (urllib3.exceptions.SSLError, ssl.SSLError)
_HOPELESS = (*_TLS_FAULTS, urllib3.exceptions.LocationValueError, urllib3.exceptions.NameResolutionError)
"""What another try cannot mend."""
_REACH = "Check the address with `kubectl cluster-info`, the network, and any proxy or VPN."


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long an API server is waited for, and how often it is asked again."""

    timeout: float = 30.0
    """Seconds for one try."""
    total: float = 90.0
    """Seconds for all tries of a question together."""
    tries: int = 4
    largest_bytes: int = 256 << 20
    """Of one answer, unpacked, which stands in memory as a whole; 500 pods are some megabytes."""
    most_objects: int = 1_500_000
    """In one answer: of three bytes of JSON each, they would become many times its size."""
    most_values: int = 4_000_000
    """In one answer: an entry of a map is some two hundred bytes. Metrics of 150,000 pods have so many."""


class Api:
    """One API server, asked with deadlines, bounds and bounded retries. Not thread-safe.

    `pause` is `time.sleep` or a test's double.
    """

    def __init__(
        self,
        cluster: Cluster,
        patience: Patience | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.cluster = cluster
        self._patience = patience or Patience()
        self._pause = pause
        self._client = cluster.client()
        timed(self._client.rest_client.pool_manager)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def another(self) -> Api:
        """Return one more, for another thread: of the same cluster, and as patient."""
        return Api(self.cluster, self._patience, self._pause)

    def close(self) -> None:
        """Close the connections."""
        self._client.rest_client.pool_manager.clear()

    def get(self, path: str, right: Right, query: Query = ()) -> bytes:
        """Return the body of a GET of `path`; `right` is what RBAC must allow for it.

        Tries again on 429, 5xx, refused and broken connections and timeouts. Raises a ClusterError:
        what 401, 403 and 404 mean, UnreachableError, or AnswerError for the rest.
        """
        return self._ask("GET", f"{path}?{urlencode(query)}" if query else path, right)

    def post(self, path: str, right: Right, body: Any) -> bytes:
        """Return the body of a POST of `body` as JSON: as `get`.

        It is tried again as well, so that a creation may find what its own earlier try has made.
        """
        return self._ask("POST", path, right, msgspec.json.encode(body))

    def delete(self, path: str, right: Right, body: Any) -> bytes:
        """Return the body of a DELETE with the options `body`. As `get`."""
        return self._ask("DELETE", path, right, msgspec.json.encode(body))

    def get_as(self, decoder: msgspec.json.Decoder[T], path: str, right: Right, query: Query = ()) -> T:
        """Return the decoded body of `get`; also raises AnswerError where it is of another shape."""
        return self.decode(decoder, self.get(path, right, query), path)

    def decode(self, decoder: msgspec.json.Decoder[T], body: bytes, path: str) -> T:
        """Return `body` decoded. Raises AnswerError: this is not what Kubernetes says at `path`."""
        try:
            return decoder.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise AnswerError(
                f"What answers at {self.cluster.server}{path} is not Kubernetes: {plain(str(error))}.",
                "Check the server's address in the kubeconfig, and any proxy before it.",
            ) from error

    def _ask(self, method: str, target: str, right: Right, body: bytes | None = None) -> bytes:
        whole = Deadline(self._patience.total)
        for attempt in range(1, self._patience.tries + 1):
            pause = min(0.25 * 2 ** (attempt - 1), 5.0)
            try:
                status, headers, answer = self._exchange(method, target, body)
            except (urllib3.exceptions.HTTPError, OSError) as error:
                failure: ClusterError = self._unreachable(error)
                lasting = isinstance(error, _HOPELESS)
            else:
                if 200 <= status < 300:
                    return answer
                failure = refusal(status, answer, right, self.cluster.server)
                lasting = status not in RETRIED
                pause = asked_pause(headers.get("Retry-After")) or pause
            if lasting or attempt == self._patience.tries or not whole.lasts(pause):
                raise failure
            self._pause(pause)
        raise AssertionError("unreachable: the last try returns or raises")

    def _exchange(self, method: str, target: str, body: bytes | None) -> tuple[int, Mapping[str, str], bytes]:
        seconds = self._patience.timeout
        response = self._client.rest_client.pool_manager.request(
            method,
            self.cluster.server + target,
            headers=self._headers(body),
            body=body,
            timeout=urllib3.Timeout(total=seconds, connect=min(10.0, seconds)),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            content = self._read(response)
        except BaseException:
            # A connection with half an answer in it must not go back to the pool.
            response.close()
            raise
        response.release_conn()
        return response.status, response.headers, content

    def _headers(self, body: bytes | None) -> dict[str, str]:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
            "User-Agent": f"memcollect/{__version__}",
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        authorization = self.cluster.authorization()
        if authorization is not None:
            headers["Authorization"] = authorization
        return headers

    def _read(self, response: Any) -> bytes:
        """Return the body. Raises AnswerError where it is too large, or would become so."""
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in _ENCODINGS:
            raise self._refused(f"in the encoding {plain(encoding, 40)!r}, which was not asked for")
        content = bytearray()
        while chunk := response.read1(_CHUNK):
            content += chunk
            if len(content) > self._patience.largest_bytes:
                raise self._refused(f"more than {self._patience.largest_bytes >> 20} MiB")
        if content.count(b"{") > self._patience.most_objects:
            raise self._refused(f"more than {self._patience.most_objects:,} objects")
        # A comma stands before every value of a list and of a map but the first ones, which were counted.
        if content.count(b",") > self._patience.most_values:
            raise self._refused(f"more than {self._patience.most_values:,} values")
        return bytes(content)

    def _refused(self, what: str) -> AnswerError:
        return AnswerError(
            f"The API server at {self.cluster.server} answered {what}.",
            "Check the server's address in the kubeconfig, and any proxy before it.",
        )

    def _unreachable(self, error: Exception) -> UnreachableError:
        server = self.cluster.server
        if isinstance(error, _TLS_FAULTS):
            return UnreachableError(
                f"No trusted connection to the API server at {server}: {_reason(error)}.",
                "Check the certificate-authority of the kubeconfig's cluster and the user's certificate.",
            )
        if _is_timeout(error):
            return UnreachableError(
                f"The API server at {server} did not answer in {self._patience.timeout:g} s.", _REACH
            )
        return UnreachableError(f"The API server at {server} cannot be reached: {_reason(error)}.", _REACH)


def _is_timeout(error: Exception) -> bool:
    """Tell whether time ran out; urllib3 counts a refused connection among its timeouts."""
    timeouts = (urllib3.exceptions.TimeoutError, TimeoutError)
    return isinstance(error, timeouts) and not isinstance(error, urllib3.exceptions.NewConnectionError)


def _reason(error: BaseException) -> str:
    """Return what went wrong in the system's own words, without urllib3's object representations."""
    while (inner := _inner(error)) is not None:
        error = inner
    if isinstance(error, OSError) and error.strerror:
        return plain(error.strerror)
    return plain(str(error)).rstrip(".") or type(error).__name__


def _inner(error: BaseException) -> BaseException | None:
    if error.__cause__ is not None:
        return error.__cause__
    return next((part for part in error.args if isinstance(part, BaseException)), None)
