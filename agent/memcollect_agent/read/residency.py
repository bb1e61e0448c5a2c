"""What of an open file is in memory, without reading, mapping or touching a page of it.

cachestat(2) (Linux 6.5, mm/filemap.c) counts the pages in the cache. On older kernels mincore(2) tells the
same, but since 5.2 it answers "all of it" to whoever is neither the owner nor may act as one (CAP_FOWNER),
so then it is not asked.
"""

import ctypes
import errno
import mmap
import os

from msgspec import Struct

from memcollect_agent.errors import DeniedError, ReadError, UnsupportedError, read_error

_NUMBER = 451  # on every machine but Alpha
_CAP_FOWNER = 3  # include/uapi/linux/capability.h
_WINDOW = 1 << 30
NO_CACHESTAT = "this kernel cannot say what of a file is in memory (cachestat came with Linux 6.5)"
CUT = "the file was cut while it was looked at"
_FOREIGN = "the file belongs to another user: its cache is told to CAP_FOWNER alone"


class Residency(Struct, frozen=True):
    """Bytes of one file that are in the page cache."""

    cached_bytes: int
    dirty_bytes: int | None
    """Not written yet, or being written; None: mincore does not tell."""
    by: str


class _Range(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("length", ctypes.c_uint64))


class _Stat(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("cache", "dirty", "writeback", "evicted", "recently_evicted")
    )


_LOWEST_BIT = bytes(each & 1 for each in range(256))
"""mincore(2) keeps the other bits of its answer to itself."""
_WHOLE = ctypes.byref(_Range(0, 0))
_NOTHING = Residency(0, 0, "cachestat")


def residency(fd: int, status: os.stat_result) -> Residency:
    """Return what of the regular file `fd`, of which `status` is the fstat, is in memory.

    Raises DeniedError where the kernel would not tell, UnsupportedError where it cannot.
    """
    found = _Stat()
    if _LIBC.syscall(_NUMBER, fd, _WHOLE, ctypes.byref(found), 0) == 0:
        if not found.cache:
            return _NOTHING
        dirty = (found.dirty + found.writeback) * mmap.PAGESIZE
        return Residency(found.cache * mmap.PAGESIZE, dirty, "cachestat")
    code = ctypes.get_errno()
    if code == errno.ENOSYS:
        return _by_mincore(fd, status)
    if code == errno.EPERM:
        raise DeniedError("cachestat", _FOREIGN)
    if code == errno.EOPNOTSUPP:
        raise UnsupportedError("of huge pages' file systems the kernel tells no cache")
    raise read_error("cachestat", OSError(code, os.strerror(code)))


def _by_mincore(fd: int, status: os.stat_result) -> Residency:
    if status.st_uid != os.geteuid() and not _acts_as_owner():
        raise UnsupportedError(f"{NO_CACHESTAT}, and mincore tells only a file's owner, or CAP_FOWNER")
    resident = sum(map(sum, resident_pages(fd, status.st_size)))
    return Residency(resident * mmap.PAGESIZE, None, "mincore")


def resident_pages(fd: int, size: int) -> list[bytes]:
    """Return a byte of 0 or 1 for each page of the file, by windows of a GiB; nothing of it is touched."""
    windows = []
    for start in range(0, size, _WINDOW):
        length = min(_WINDOW, size - start)
        try:
            with mmap.mmap(fd, length, mmap.MAP_SHARED, mmap.PROT_READ, offset=start) as mapped:
                windows.append(_mincore(mapped, length))
        except OSError as error:
            raise read_error("mincore", error) from error
        except ValueError as error:
            raise ReadError("mmap", CUT) from error
    return windows


def _mincore(mapped: mmap.mmap, length: int) -> bytes:
    pages = -(-length // mmap.PAGESIZE)
    vector = (ctypes.c_ubyte * pages)()
    if _LIBC.mincore(ctypes.c_void_p(address_of(mapped)), ctypes.c_size_t(length), vector) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return bytes(vector).translate(_LOWEST_BIT)


def address_of(mapped: mmap.mmap) -> int:
    """Return where in memory a map lies that can only be read (ctypes takes none by itself)."""
    view = _PyBuffer()
    _PYTHON.PyObject_GetBuffer(ctypes.py_object(mapped), ctypes.byref(view), 0)
    try:
        return int(view.buf)
    finally:
        _PYTHON.PyBuffer_Release(ctypes.byref(view))


class _PyBuffer(ctypes.Structure):
    """Py_buffer of Python's stable ABI (Include/pybuffer.h)."""

    _fields_ = (
        ("buf", ctypes.c_void_p),
        ("obj", ctypes.py_object),
        ("len", ctypes.c_ssize_t),
        ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int),
        ("ndim", ctypes.c_int),
        ("format", ctypes.c_char_p),
        ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p),
        ("suboffsets", ctypes.c_void_p),
        ("internal", ctypes.c_void_p),
    )


def _acts_as_owner() -> bool:
    with open("/proc/self/status", encoding="ascii") as status:  # noqa: PTH123 - our own, always there
        line = next((line for line in status if line.startswith("CapEff:")), "CapEff: 0")
    return bool(int(line.split()[1], 16) >> _CAP_FOWNER & 1)


_LIBC = ctypes.CDLL(None, use_errno=True)
_PYTHON = ctypes.pythonapi
