"""The few system calls that Python does not wrap and the lab needs, most of them in process 1 of the guest.

All raise OSError with the path in it. Constants are from the kernel's include/uapi/linux.
"""

import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

MS_NOATIME, MS_REMOUNT = 1024, 32
PTRACE_GETREGSET, PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4204, 0x4206, 0x4207
_PR_SET_PDEATHSIG = 1
_RB_POWER_OFF = 0x4321FEDC
_SYS_FINIT_MODULE = 313
"""x86_64 only, as User-Mode Linux is."""
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


class Span(ctypes.Structure):
    """`struct iovec`: where, and how many bytes; the kernel writes how many there were."""

    _fields_ = (("start", ctypes.c_void_p), ("bytes", ctypes.c_size_t))


def ptrace(request: int, process: int, address: int = 0, data: int = 0) -> None:
    """Trace `process` (ptrace(2)), for a request whose result is no number."""
    _libc.ptrace.restype = ctypes.c_long
    pointers = ctypes.c_void_p(address), ctypes.c_void_p(data)
    result = _libc.ptrace(ctypes.c_long(request), ctypes.c_long(process), *pointers)
    _checked(result, f"process {process}")


def _checked(result: int, subject: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), subject)


def mount(source: str, target: str, kind: str, options: str = "", flags: int = 0) -> None:
    """Mount `source` on `target`, which is made if it is not there."""
    Path(target).mkdir(parents=True, exist_ok=True)
    result = _libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode())
    _checked(result, target)


def unmount(target: str) -> None:
    """Undo `mount`."""
    _checked(_libc.umount2(target.encode(), 0), target)


def swap_on(device: str) -> None:
    """Swap to `device`, which holds a swap header."""
    _checked(_libc.swapon(device.encode(), 0), device)


def load_module(path: str) -> None:
    """Load one kernel module; that it is loaded already is no error."""
    with Path(path).open("rb") as file:
        result = _libc.syscall(_SYS_FINIT_MODULE, file.fileno(), b"", 0)
        if result != 0 and ctypes.get_errno() != errno.EEXIST:
            _checked(result, path)


def loopback_up() -> None:
    """Do what `ip link set lo up` does (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack("16sH14x", fcntl.ioctl(handle, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(handle, _SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | _IFF_UP))


def end_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it ends (prctl(2), PR_SET_PDEATHSIG)."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def power_off() -> None:
    """End the machine at once; only process 1 of a guest calls this."""
    os.sync()
    _libc.reboot(_RB_POWER_OFF)
