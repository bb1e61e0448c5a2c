"""HTTP/1.1 over a stream that a transport has opened, to agents and to sandboxes alike."""

import http.client
from typing import Any

from memcollect.sources.transport import Stream


class StreamConnection(http.client.HTTPConnection):
    """HTTP over a stream that is already there; it never connects by itself. `host` is what Host names."""

    auto_open = 0

    def __init__(self, stream: Stream, host: str = "localhost") -> None:
        super().__init__(host)
        self.sock: Any = stream

    def close(self) -> None:
        """Let go of the stream without closing it: http.client does this before it has read the answer."""
        self.sock = None
        super().close()
