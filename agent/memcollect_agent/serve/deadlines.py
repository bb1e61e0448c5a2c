"""How long a client of the main port may take to ask, and to take its answer.

waitress drops a connection only when nothing at all happens on it, so one that sends or takes a byte now and
then would hold it for ever, and its answer with it.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

ASKING_SECONDS = 15.0
"""From the first byte of a request, or the connection, to the whole of it: at most 256 KiB from near by."""
STALLED_SECONDS = 15.0
"""Without taking a byte of an answer."""
IN_THE_WAY_SECONDS = 3.0
"""The same while another's answer waits for the room."""
SENDING_SECONDS = 120.0
"""For a whole answer: 10 MiB over a line of 100 KB/s."""


class _Watched(Struct):
    channel: Any
    asking_since: float
    sending_since: float | None = None
    taken_at: float = 0.0
    left: int = 0


class Deadlines:
    """Looks at waitress's channels now and then, and closes those whose time is over.

    Its own flag `will_close` would be seen only once the socket can be written to, which is when the client
    reads.
    """

    def __init__(
        self,
        most: int,
        in_the_way: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`most`: connections; `in_the_way` tells whether an answer waits until others were taken."""
        self._most = most
        self._in_the_way = in_the_way
        self._clock = clock
        self._watched: dict[int, _Watched] = {}

    def enforce(self, channels: Mapping[int, Any]) -> None:
        """Close what is late; where there are as many as may be, the one that has been asking longest, too.

        To be called in the thread that runs waitress's loop.
        """
        now = self._clock()
        stalled = IN_THE_WAY_SECONDS if self._in_the_way() else STALLED_SECONDS
        self._watched = {id(channel): self._seen(channel, now) for channel in channels.values()}
        for each in self._watched.values():
            if _is_late(each, now, stalled):
                each.channel.handle_close()
        asking = [each for each in self._watched.values() if each.channel.connected and _is_asking(each)]
        if len(self._watched) >= self._most and asking:
            min(asking, key=lambda each: each.asking_since).channel.handle_close()

    def _seen(self, channel: Any, now: float) -> _Watched:
        known = self._watched.get(id(channel))
        if known is None or known.channel is not channel:
            known = _Watched(channel, asking_since=now)
        left = channel.total_outbufs_len
        if left and known.sending_since is None:
            known.sending_since = known.taken_at = now
        elif not left:
            known.sending_since = None
        if left < known.left:
            known.taken_at = now
        known.left = left
        if channel.requests or left:
            known.asking_since = now
        return known


def _is_late(each: _Watched, now: float, stalled_seconds: float) -> bool:
    if each.sending_since is not None:
        return now - each.taken_at > stalled_seconds or now - each.sending_since > SENDING_SECONDS
    return _is_asking(each) and now - each.asking_since > ASKING_SECONDS


def _is_asking(each: _Watched) -> bool:
    return not each.channel.requests and each.sending_since is None
