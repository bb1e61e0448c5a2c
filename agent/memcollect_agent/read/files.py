"""Opening and reading the small files of kernel file systems, without being led astray.

Everything is opened relative to a directory descriptor, never through a symbolic link, never
blocking, and only regular files are read: a tree handed to the agent may be anybody's.
"""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from memcollect_agent.errors import GONE_ERRNOS, ParseError, ReadError, UnsafeFileError, read_error
from memcollect_agent.read.hanging import reading

_FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLLOWING_FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ROOT_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# ELOOP: a symbolic link. ENXIO: a socket. ESPIPE: a FIFO or a terminal, when it is read at an offset.
# ENOTDIR: what should be a directory is not one.
_UNSAFE_FILE_ERRNOS = frozenset({errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.ESPIPE})
_UNSAFE_DIRECTORY_ERRNOS = frozenset({errno.ELOOP, errno.ENOTDIR})
_NOT_REGULAR = "is not a regular file, so it was not read"

Witness = Callable[[str, bytes], None]
"""Called with the path of what was read, as messages have it, and with what was read."""

_witnesses: list[Witness] = []

READ_LIMIT = 1 << 20
"""Bytes; the kernel's largest answer here is memory.numa_stat, some tens of KiB on large machines."""
RECORD_ROOM = 8192
"""Bytes; Linux 7.2 writes 1.6 KiB of memory.stat, the longest of those that every cgroup has."""


@contextmanager
def witnessed(witness: Witness) -> Iterator[None]:
    """Let `witness` see all that is read meanwhile, by whatever thread: what makes a recording does."""
    _witnesses.append(witness)
    try:
        yield
    finally:
        _witnesses.remove(witness)


def tell(path: str, data: bytes) -> None:
    """Let the witnesses see what was read otherwise than by the functions of this module."""
    for witness in _witnesses:
        witness(path, data)


def told(path: str, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the pieces of a file that is read bit by bit; witnesses see it as a whole, at its end."""
    kept: list[bytes] = []
    for piece in pieces:
        if _witnesses:
            kept.append(piece)
        yield piece
    tell(path, b"".join(kept))


def open_root(path: str) -> int:
    """Return a descriptor of the directory the operator named; a link there is the operator's wish.

    Raises ReadError or one of its kinds.
    """
    try:
        return _opened(path, _ROOT_FLAGS, None, path)
    except OSError as error:
        raise read_error(path, error) from error


def open_directory(name: str, dir_fd: int, path: str) -> int:
    """Return a descriptor of the directory `name` below `dir_fd`; `path` is for messages.

    Raises GoneError, DeniedError, UnsafeFileError (a link, or no directory) or ReadError.
    """
    try:
        return _opened(name, _DIRECTORY_FLAGS, dir_fd, path)
    except OSError as error:
        if error.errno in _UNSAFE_DIRECTORY_ERRNOS:
            raise UnsafeFileError(path, "is not a directory, so it was not opened") from error
        raise read_error(path, error) from error


def read_file(name: str, dir_fd: int, path: str, *, limit: int = READ_LIMIT, follow: bool = False) -> bytes:
    """Return the whole of the regular file `name` below `dir_fd`; `path` is for messages.

    `follow` permits a symbolic link (/proc/mounts is one). Raises GoneError, DeniedError,
    UnsafeFileError or ReadError, and ParseError where there is more than `limit` bytes.
    """
    with reading(path):
        fd = _opened_file(name, dir_fd, path, _FOLLOWING_FLAGS if follow else _FILE_FLAGS)
        data = read_opened(fd, path, limit)
    if _witnesses:
        tell(path, data)
    return data


def read_opened(fd: int, path: str, limit: int) -> bytes:
    """Return the whole of the regular file behind `fd`, which is closed; no witness is told of it.

    Raises UnsafeFileError or ReadError, and ParseError where there is more than `limit` bytes.
    """
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise UnsafeFileError(path, _NOT_REGULAR)
        return _read_to_end(fd, path, limit)
    except OSError as error:
        raise read_error(path, error) from error
    finally:
        os.close(fd)


def read_record(name: str, dir_fd: int, path: str, limit: int) -> bytes:
    """Return at most `limit` bytes of the file `name` below `dir_fd`, in one read and the fewest calls.

    For files that are read by the thousand and that the kernel writes as a single record (seq_file's
    single_open), so that one read gives all. Raises GoneError, DeniedError, UnsafeFileError or ReadError.
    """
    with reading(path):
        fd = _opened_file(name, dir_fd, path)
        try:
            data = _first_record(fd, path, limit)
        finally:
            os.close(fd)
    if _witnesses:
        tell(path, data)
    return data


def read_whole_record(name: str, dir_fd: int, path: str) -> bytes:
    """Return the whole of the file `name` below `dir_fd`, which the kernel writes as a single record.

    Three calls instead of read_file's five; what is longer than such files are is read once more, to its end.
    Raises what read_file does.
    """
    try:
        with reading(path):
            fd = os.open(name, _FILE_FLAGS, dir_fd=dir_fd)
            try:
                data = os.pread(fd, RECORD_ROOM, 0)  # at an offset, as in _first_record
                if len(data) == RECORD_ROOM:
                    data = _read_to_end(fd, path, READ_LIMIT)
            finally:
                os.close(fd)
    except OSError as error:
        raise _file_error(path, error) from error
    if _witnesses:
        tell(path, data)
    return data


class Record:
    """A file of one record that is read again and again: opened once, and one system call for each time.

    The kernel writes its own files anew for whoever reads from their beginning, and refuses that once they
    were removed (ENODEV). A plain file goes on without a name, so at each time is looked whether it has one.
    """

    __slots__ = ("_dir_fd", "_fd", "_is_generated", "_keep", "_limit", "_name", "path")

    def __init__(self, name: str, dir_fd: int, path: str, limit: int, *, keep: bool) -> None:
        """`path` is for messages. Not to `keep` it open is read_record at each time."""
        self.path = path
        self._name = name
        self._dir_fd = dir_fd
        self._limit = limit
        self._keep = keep
        self._fd = -1
        self._is_generated = False

    def read(self) -> bytes:
        """Return at most `limit` bytes of it. Raises what read_record does."""
        if self._fd < 0:
            return self._opened_anew() if self._keep else self._once()
        with reading(self.path):
            try:
                data = os.pread(self._fd, self._limit, 0)
                is_there = self._is_generated or os.fstat(self._fd).st_nlink > 0
            except OSError as error:
                if error.errno not in GONE_ERRNOS:
                    raise read_error(self.path, error) from error
                is_there = False
        if not is_there:
            self.close()
            return self._opened_anew()
        if _witnesses:
            tell(self.path, data)
        return data

    def close(self) -> None:
        """Give the descriptor back; the next read opens it again."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _once(self) -> bytes:
        return read_record(self._name, self._dir_fd, self.path, self._limit)

    def _opened_anew(self) -> bytes:
        try:
            fd = _opened(self._name, _FILE_FLAGS, self._dir_fd, self.path, alone=False)
        except OSError as error:
            raise _file_error(self.path, error) from error
        try:
            with reading(self.path):
                data = _first_record(fd, self.path, self._limit)
                size = os.fstat(fd).st_size
        except BaseException:
            os.close(fd)
            raise
        # The kernel's own files have a size of none, whatever there is to read.
        self._fd, self._is_generated = fd, size == 0 and bool(data)
        if _witnesses:
            tell(self.path, data)
        return data


def _first_record(fd: int, path: str, limit: int) -> bytes:
    try:
        # Reading at an offset is what a FIFO, a socket or a terminal refuses, so none is drained here.
        return os.pread(fd, limit, 0)
    except OSError as error:
        raise _file_error(path, error) from error


def _opened(name: str, flags: int, dir_fd: int | None, path: str, *, alone: bool = True) -> int:
    """Return a descriptor, which nobody has if the thread was given up meanwhile. Raises OSError."""
    fd = -1
    try:
        with reading(path, alone=alone):
            fd = os.open(name, flags, dir_fd=dir_fd)
    except BaseException:
        if fd >= 0:
            os.close(fd)
        raise
    return fd


def _opened_file(name: str, dir_fd: int, path: str, flags: int = _FILE_FLAGS) -> int:
    try:
        return os.open(name, flags, dir_fd=dir_fd)
    except OSError as error:
        raise _file_error(path, error) from error


def _file_error(path: str, error: OSError) -> ReadError:
    return (
        UnsafeFileError(path, _NOT_REGULAR) if error.errno in _UNSAFE_FILE_ERRNOS else read_error(path, error)
    )


def _read_to_end(fd: int, path: str, limit: int) -> bytes:
    chunks = []
    size = 0
    # A seq_file hands out at most a buffer of whole records for each read.
    while chunk := os.read(fd, min(65536, limit + 1 - size)):
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise ParseError(path, 0, f"is longer than {limit} bytes")
    return b"".join(chunks)
