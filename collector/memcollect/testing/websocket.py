"""The server's side of a WebSocket on a blocking socket: messages in, messages out.

Framing, masking and control frames are the `websockets` package's (its sans-I/O protocol).
"""

import base64
import contextlib
import hashlib
import socket
import ssl
from collections.abc import Sequence

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, section 1.3
_READ_BYTES = 256 * 1024
NORMAL = 1000
INTERNAL_ERROR = 1011


def accept_key(key: str) -> str:
    """Return the Sec-WebSocket-Accept for a client's key (RFC 6455, section 4.2.2)."""
    # SHA-1 is what the standard says; it protects nothing here.
    digest = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode()


class WebSocket:
    """A connection after its handshake."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._protocol = Protocol(Side.SERVER, max_size=None)
        self._fragments: list[bytes] = []

    @property
    def open(self) -> bool:
        """Whether messages may still come."""
        return self._protocol.state is State.OPEN

    def receive(self) -> list[bytes]:
        """Wait for bytes and return the messages they complete, which may be none."""
        try:
            data = self.socket.recv(_READ_BYTES)
            # TLS hands over one record at a time; what it has decrypted, no selector would announce.
            while isinstance(self.socket, ssl.SSLSocket) and (pending := self.socket.pending()):
                data += self.socket.recv(pending)
        except OSError:
            data = b""
        if data:
            self._protocol.receive_data(data)
        else:
            self._protocol.receive_eof()
        self._flush()
        return self._messages(self._protocol.events_received())

    def _messages(self, events: Sequence[object]) -> list[bytes]:
        complete: list[bytes] = []
        for event in events:
            if not isinstance(event, Frame) or event.opcode not in (Opcode.BINARY, Opcode.TEXT, Opcode.CONT):
                continue
            self._fragments.append(bytes(event.data))
            if event.fin:
                complete.append(b"".join(self._fragments))
                self._fragments.clear()
        return complete

    def send(self, message: bytes) -> None:
        """Send one binary message; a client that is gone is not an error."""
        if self.open:
            self._protocol.send_binary(message)
            self._flush()

    def close(self, code: int = NORMAL) -> None:
        """Send a closing frame."""
        if self.open:
            self._protocol.send_close(code)
            self._flush()

    def _flush(self) -> None:
        data = b"".join(self._protocol.data_to_send())
        if data:
            with contextlib.suppress(OSError):
                self.socket.sendall(data)
