"""Sets a stopped child's registers from areas of the sizes named; prints the sizes that the host refused.

usage: set_registers.py BYTES…

A program of its own, so that a library can be preloaded. What was set is read again and must be there.
"""

import ctypes
import errno
import os
import subprocess
import sys

from memcollect.lab import syscalls

SETREGSET = 0x4205
PEEKUSER = 3
NT_X86_XSTATE = 0x202
XMM0, XSTATE_BV = slice(160, 176), 512
"""Where the first vector register and the list of parts in use are in the area (Intel SDM 1, 13.4)."""
SSE = 2


def main(sizes: list[int]) -> None:
    """Try each size on one child."""
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE) as child:
        syscalls.ptrace(syscalls.PTRACE_SEIZE, child.pid)
        syscalls.ptrace(syscalls.PTRACE_INTERRUPT, child.pid)
        os.waitpid(child.pid, 0)
        reads_words(child.pid)
        refused = [str(size) for size in sizes if not sets(child.pid, size)]
        sys.stdout.write(" ".join(refused))
        child.kill()


def reads_words(process: int) -> None:
    """Read a register by the request whose result is a number, and fail as the C library does."""
    library = ctypes.CDLL(None, use_errno=True)
    library.ptrace.restype = ctypes.c_long
    ctypes.set_errno(errno.EBADF)
    word = library.ptrace(PEEKUSER, process, ctypes.c_void_p(15 * 8), None)
    assert (word, ctypes.get_errno()) != (-1, errno.EBADF)
    assert library.ptrace(PEEKUSER, os.getpid(), None, None) == -1
    assert ctypes.get_errno() == errno.ESRCH


def sets(process: int, size: int) -> bool:
    """Set the first vector register from an area of `size` bytes; whether the host took it."""
    area = (ctypes.c_ubyte * size)()
    transfer(syscalls.PTRACE_GETREGSET, process, area)
    pattern = bytes([size % 251] * 16)
    ctypes.memmove(ctypes.addressof(area) + XMM0.start, pattern, len(pattern))
    area[XSTATE_BV] |= SSE
    try:
        transfer(SETREGSET, process, area)
    except OSError as error:
        if error.errno != errno.EFAULT:
            raise
        return False
    again = (ctypes.c_ubyte * size)()
    transfer(syscalls.PTRACE_GETREGSET, process, again)
    assert bytes(again[XMM0]) == pattern
    return True


def transfer(request: int, process: int, area: "ctypes.Array[ctypes.c_ubyte]") -> None:
    """Exchange the area with the child's registers."""
    span = syscalls.Span(ctypes.addressof(area), len(area))
    syscalls.ptrace(request, process, NT_X86_XSTATE, ctypes.addressof(span))


main([int(word) for word in sys.argv[1:]])
