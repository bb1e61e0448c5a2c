"""openat2(2): opening a path of somebody else's without being led elsewhere by it (Linux 5.6, fs/open.c).

What is walked belongs to pods, which may put a link, a mount or a pipe in the place of a file between two
calls of ours. The kernel's RESOLVE flags refuse these while the path is looked up, so there is no such gap.
"""

import ctypes
import errno
import functools
import os
from typing import Any

from memcollect_agent.errors import ReadError, UnsafeFileError, UnsupportedError, read_error

_NUMBER = 437  # on every machine but Alpha (include/uapi/asm-generic/unistd.h)
_NO_XDEV, _NO_MAGICLINKS, _NO_SYMLINKS, _BENEATH, _IN_ROOT = 0x01, 0x02, 0x04, 0x08, 0x10
WITHIN = _NO_XDEV | _NO_MAGICLINKS | _NO_SYMLINKS | _BENEATH
"""Neither through a link nor onto another mount nor upwards."""
FROM_ROOT = _NO_MAGICLINKS | _IN_ROOT
"""An absolute path and its links, seen from the directory as if that were /."""
PATH_ONLY = os.O_PATH | os.O_CLOEXEC | os.O_NOFOLLOW
_NO_OPENAT2 = (
    "this kernel cannot open paths safely (openat2 came with Linux 5.6): no file is looked for by name"
)
_UNSAFE = frozenset({errno.ELOOP, errno.EXDEV})


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_SIZE = ctypes.sizeof(_How)


@functools.cache
def _how(flags: int, resolve: int) -> Any:
    return ctypes.byref(_How(flags, 0, resolve))


def open_at(dir_fd: int, name: str, flags: int, resolve: int) -> int:
    """Return a descriptor of `name` below `dir_fd`.

    Raises UnsupportedError where the kernel, or a seccomp profile, has no such call; UnsafeFileError for a
    link or another mount; otherwise ReadError or one of its kinds.
    """
    fd = _LIBC.syscall(_NUMBER, dir_fd, os.fsencode(name), _how(flags, resolve), _SIZE)
    if fd >= 0:
        return int(fd)
    code = ctypes.get_errno()
    error = OSError(code, os.strerror(code))
    if code == errno.ENOSYS:
        raise UnsupportedError(_NO_OPENAT2) from error
    if code in _UNSAFE:
        raise UnsafeFileError(name, "leads elsewhere, so it was not opened") from error
    if code == errno.EAGAIN:
        raise ReadError(name, "was being moved while it was opened") from error
    raise read_error(name, error) from error


_LIBC = ctypes.CDLL(None, use_errno=True)
