"""Port-forward as SPDY/3.1 tunnelled through a WebSocket: what kubectl 1.30 and later speaks.

The messages are a byte stream of SPDY frames. For each connection to its local port the client opens two
streams, of type `error` and `data`, with the same `requestID` and `port`; when both are there the server
connects. Both are ended by the server when the pod's side ends; an error is written to the error stream
first. The tunnel itself lasts until the client leaves.
"""

import dataclasses

from memcollect.testing import spdy
from memcollect.testing.faults import StreamFault
from memcollect.testing.forwarding import CutError, Dial, Event, Pump, RefusedError, Source

PROTOCOL = "SPDY/3.1+portforward.k8s.io"
_BROKEN = "lost the connection to the pod's network namespace"


@dataclasses.dataclass(slots=True)
class _Pair:
    """The streams of one forwarded connection; 0 for one that has not come yet."""

    port: int
    data: int = 0
    error: int = 0


class Tunnel:
    """One client's tunnel."""

    def __init__(self, pump: Pump, dial: Dial) -> None:
        self._pump = pump
        self._dial = dial
        self._decoder = spdy.Decoder()
        self._encoder = spdy.Encoder()
        self._waiting: dict[str, _Pair] = {}
        self._pairs: dict[int, _Pair] = {}

    def serve(self) -> None:
        """Forward until the client leaves. Raises CutError when a fault says so, SpdyError for garbage."""
        for event in self._pump.events():
            if event.source is Source.POD:
                self._from_pod(event)
                continue
            for frame in self._decoder.feed(event.data):
                self._from_client(frame)

    def _from_client(self, frame: spdy.Control | spdy.Data) -> None:
        if isinstance(frame, spdy.Data):
            if frame.payload:
                self._pump.to_pod(frame.stream, frame.payload)
            if frame.flags & spdy.FIN:
                self._pump.end_to_pod(frame.stream)
        elif frame.kind == spdy.SYN_STREAM:
            self._opened(frame.stream, self._decoder.headers(frame))
        elif frame.kind == spdy.PING:
            self._pump.client.send(spdy.ping(frame.stream))
        elif frame.kind == spdy.RST_STREAM:
            self._pump.drop(frame.stream)

    def _opened(self, stream: int, headers: dict[str, str]) -> None:
        if self._pump.fault is StreamFault.HANG:
            return
        self._pump.client.send(self._encoder.syn_reply(stream, {}))
        try:
            port = int(headers["port"])
            request, kind = headers.get("requestid", headers["port"]), headers["streamtype"]
        except (KeyError, ValueError) as error:
            raise spdy.SpdyError(f"stream {stream} names no port, request or type") from error
        pair = self._waiting.setdefault(request, _Pair(port))
        if kind == "error":
            pair.error = stream
        else:
            pair.data = stream
        if pair.error and pair.data:
            self._start(self._waiting.pop(request))

    def _start(self, pair: _Pair) -> None:
        try:
            self._pump.add(pair.data, self._dial(pair.port))
        except RefusedError as error:
            self._end(pair, str(error))
        else:
            self._pairs[pair.data] = pair

    def _end(self, pair: _Pair, error: str = "") -> None:
        client = self._pump.client
        if error:
            client.send(spdy.data(pair.error, error.encode()))
        client.send(spdy.data(pair.error, b"", spdy.FIN))
        client.send(spdy.data(pair.data, b"", spdy.FIN))
        self._pump.drop(pair.data)

    def _from_pod(self, event: Event) -> None:
        if event.data:
            self._pump.client.send(spdy.data(event.key, event.data))
        due = self._pump.fault_due
        if due is StreamFault.CUT:
            raise CutError
        if not event.data or due is not None:
            self._end(self._pairs.pop(event.key), _BROKEN if due is StreamFault.ERROR else "")
