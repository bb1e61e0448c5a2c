"""/proc/PID/smaps of one process, mapping by mapping; it may be tens of MiB."""

import os
from collections.abc import Iterator

from memcollect_agent.errors import read_error
from memcollect_agent.parse import smaps
from memcollect_agent.parse.smaps import Mapping
from memcollect_agent.read import files
from memcollect_agent.read.hanging import reading
from memcollect_agent.read.procfs import ProcessDir

READ_LIMIT = 32 << 20
"""Bytes of smaps of one process: some 40,000 mappings; the kernel allows 65,530 unless told otherwise."""
_CHUNK = 64 << 10
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC


class SmapsReading:
    """smaps in pieces, so that never more of it is held than one: it may be tens of MiB."""

    def __init__(self, process: ProcessDir) -> None:
        self._process = process
        self._path = f"{process.path}/smaps"
        self.cut = False

    def mappings(self) -> Iterator[Mapping]:
        """Yield each mapping, in the order of addresses, up to READ_LIMIT bytes."""
        rest = b""
        for piece in self._pieces():
            data = rest + piece
            whole = smaps.whole_mappings(data)
            yield from smaps.parse(whole, self._path)
            rest = data[len(whole) :]
        if not self.cut:
            yield from smaps.parse(rest, self._path)

    def _pieces(self) -> Iterator[bytes]:
        try:
            fd = os.open("smaps", _FLAGS, dir_fd=self._process.fd)
        except OSError as error:
            raise read_error(self._path, error) from error
        try:
            yield from files.told(self._path, self._read(fd))
        except OSError as error:
            raise read_error(self._path, error) from error
        finally:
            os.close(fd)

    def _read(self, fd: int) -> Iterator[bytes]:
        size = 0
        gathered: list[bytes] = []
        # The kernel hands out a page or so at each read, whatever is asked for.
        while chunk := self._chunk(fd):
            gathered.append(chunk)
            size += len(chunk)
            if size >= READ_LIMIT:
                self.cut = True
                break
            if sum(map(len, gathered)) >= _CHUNK:
                yield b"".join(gathered)
                gathered = []
        yield b"".join(gathered)

    def _chunk(self, fd: int) -> bytes:
        with reading(self._path):
            return os.read(fd, _CHUNK)
