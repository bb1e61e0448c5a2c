"""Whether this machine's processor, and the rights it gives, suffice for a kernel that runs as a program.

A User-Mode Linux kernel runs its programs by ptrace(2), and before commit 3f17fed21491 (6.13) it sets
register areas of one fixed size. The host takes none but its processor's own (`xstateregs_set` in
arch/x86/kernel/fpu/regset.c): where that is larger, as with AMX, a library that pads them is preloaded
(register_padding.c beside this file).
"""

import ctypes
import errno
import os
import platform
import subprocess
import sys
from pathlib import Path

from memcollect.lab import syscalls
from memcollect.lab.errors import MachineError

_LIBRARY = "register_padding.x86_64.so"
_NT_X86_XSTATE = 0x202
_MOST_BYTES = 1 << 20
_YAMA = Path("/proc/sys/kernel/yama/ptrace_scope")
_WHO_MAY_TRACE = {2: "lets nobody but root trace a process", 3: "lets nobody trace a process"}


def require_x86_64(machine: str = platform.machine(), *, wide: bool = sys.maxsize > 2**32) -> None:
    """Raise MachineError unless the lab's kernels run on such a machine; `wide`: this Python is 64-bit."""
    if machine != "x86_64":
        raise MachineError(
            f"the lab's kernels run on x86-64 alone, and this machine is {machine}.",
            "All but the demo and the tests on a kernel of their own works here, and as root on cgroup v2 "
            "the demo, too: memcollect demo --kernel host",
        )
    if not wide:
        raise MachineError(
            "the lab's kernels are 64-bit programs, and this Python is a 32-bit one.",
            "Use the Python of a 64-bit system.",
        )


def needs_padding(register_bytes: int | None, sets_bytes: int | None) -> bool:
    """Whether a kernel that sets `sets_bytes` (None: as many as the host has) must be helped to set them all.

    `register_bytes` is what the host has; None: it has no such area, and the kernel then uses an older one.
    """
    return register_bytes is not None and sets_bytes is not None and register_bytes > sets_bytes


def register_bytes() -> int | None:
    """Return the size of this processor's register area, as ptrace(2) has it; None if it has none.

    Asks the host for it by way of a child that waits. Raises MachineError where ptrace is locked down.
    """
    with subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as child:
        try:
            return _area_of(child.pid)
        except PermissionError:
            raise locked_down(_yama_scope()) from None
        finally:
            child.kill()


def padding_library(directory: Path) -> Path:
    """Put the library into `directory`: the loader takes no path with a blank or a colon in it."""
    target = directory / _LIBRARY
    target.write_bytes(Path(__file__).with_name(_LIBRARY).read_bytes())
    return target


def locked_down(scope: int | None) -> MachineError:
    """Return what to say where ptrace(2) is refused; `scope` is kernel.yama.ptrace_scope, if there is one."""
    who = _WHO_MAY_TRACE.get(scope or 0)
    reason = (
        f"this machine {who} (kernel.yama.ptrace_scope = {scope})" if who else "ptrace is not allowed here"
    )
    as_root = "Take" if scope == 3 else "Run it as root, or take"
    return MachineError(
        f"{reason}, and this kernel runs its programs by it.",
        f"{as_root} kernel 7.2, which does without: --kernel 7.2, or make lab KERNEL=7.2",
    )


def _area_of(process: int) -> int | None:
    syscalls.ptrace(syscalls.PTRACE_SEIZE, process)
    syscalls.ptrace(syscalls.PTRACE_INTERRUPT, process)
    os.waitpid(process, 0)
    area = ctypes.create_string_buffer(_MOST_BYTES)
    span = syscalls.Span(ctypes.addressof(area), _MOST_BYTES)
    try:
        syscalls.ptrace(syscalls.PTRACE_GETREGSET, process, _NT_X86_XSTATE, ctypes.addressof(span))
    except OSError as error:
        if error.errno in {errno.EINVAL, errno.EIO, errno.ENODEV}:
            return None
        raise
    return int(span.bytes)


def _yama_scope() -> int | None:
    try:
        return int(_YAMA.read_text())
    except (OSError, ValueError):
        return None
