"""How many bytes of answers are held for clients that have yet to take them.

waitress copies what it is given as bytes, once for each client. As a file it keeps a reference instead, so
the clients that share an answer share its memory too; and a file is closed when its client has it or is gone.
"""

import io
import threading

from memcollect_agent.serve.flights import BusyError

MAX_HELD_BYTES = 12 << 20
"""Of different answers, from which on no other is made. That of 2,000 cgroups' history has as much, and takes
twice its size more while it is made; the manifest's limit is ten times this."""
SHARED_FROM_BYTES = 64 << 10
"""Smaller ones are not counted: with the most connections that there may be they come to 2 MiB."""
PATIENCE_SECONDS = 20.0
"""For room: more than a client may stall."""


class Held:
    """The answers on their way. Thread-safe."""

    def __init__(self, most_bytes: int = MAX_HELD_BYTES, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._most_bytes = most_bytes
        self._patience_seconds = patience_seconds
        self._changed = threading.Condition()
        self._clients: dict[int, int] = {}
        self._bodies: dict[int, bytes] = {}
        self._new: set[int] = set()
        self._waiting = 0

    def size_bytes(self) -> int:
        """Return the size of all answers that are held, each once."""
        with self._changed:
            return self._size()

    def wait_for_room(self) -> None:
        """Return when another answer may be made. Raises BusyError where that takes too long."""
        with self._changed:
            self._waiting += 1
            try:
                has_room = self._changed.wait_for(
                    lambda: self._size() < self._most_bytes, self._patience_seconds
                )
            finally:
                self._waiting -= 1
        if not has_room:
            raise BusyError("others have yet to take their answers")

    def is_awaited(self) -> bool:
        """Return whether somebody waits for room."""
        return self._waiting > 0

    def made(self, body: bytes) -> bytes:
        """Count an answer before its first client is served; return it."""
        if len(body) >= SHARED_FROM_BYTES:
            with self._changed:
                self._bodies[id(body)] = body
                self._clients[id(body)] = 1
                self._new.add(id(body))
        return body

    def file(self, body: bytes) -> io.BytesIO | None:
        """Return the body as a file, which counts until it is closed; None for a small one."""
        if len(body) < SHARED_FROM_BYTES:
            return None
        key = id(body)
        with self._changed:
            self._bodies[key] = body
            if key in self._new:
                self._new.remove(key)
            else:
                self._clients[key] = self._clients.get(key, 0) + 1
        return _Counted(body, self, key)

    def release(self, key: int) -> None:
        """Forget one client of the body that `key` stands for."""
        with self._changed:
            self._clients[key] -= 1
            if not self._clients[key]:
                del self._clients[key], self._bodies[key]
                self._changed.notify_all()

    def _size(self) -> int:
        return sum(len(body) for body in self._bodies.values())


class _Counted(io.BytesIO):
    def __init__(self, body: bytes, held: Held, key: int) -> None:
        super().__init__(body)
        self._held = held
        self._key: int | None = key

    def close(self) -> None:
        key, self._key = self._key, None
        if key is not None:
            self._held.release(key)
        super().close()
