"""kcmp(2): whether two processes share one address space, as the kernel itself knows (kernel/kcmp.c).

Needs a kernel with CONFIG_KCMP and the right to ptrace both processes, which the agent has for
smaps_rollup anyway. A seccomp profile may forbid it; then, as on a kernel without it, nothing is known.
"""

import ctypes
import os
from typing import Literal

_NUMBERS = {
    "x86_64": 312,
    "aarch64": 272,
    "riscv64": 272,
    "loongarch64": 272,
    "s390x": 343,
    "ppc64le": 354,
}
"""Of the system call, by machine (arch/*/entry/syscalls, include/uapi/asm-generic/unistd.h)."""
_KCMP_VM = 1  # include/uapi/linux/kcmp.h

Order = Literal[-1, 0, 1]


def compare_spaces(first: int, second: int) -> Order | None:
    """Return 0 where the two pids share an address space, otherwise their order; None: it cannot be told.

    The order is one over all address spaces, the same at every call until the machine is booted anew.
    """
    number = _NUMBERS.get(os.uname().machine)
    if number is None:
        return None
    result = _LIBC.syscall(number, first, second, _KCMP_VM, ctypes.c_ulong(0), ctypes.c_ulong(0))
    # 3: unordered, which the kernel never answers for KCMP_VM.
    orders: dict[int, Order] = {0: 0, 1: -1, 2: 1}
    return orders.get(result)


_LIBC = ctypes.CDLL(None, use_errno=True)
