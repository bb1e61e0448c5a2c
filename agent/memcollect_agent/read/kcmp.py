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
_ORDERS: dict[int, Order] = {0: 0, 1: -1, 2: 1}
"""By the kernel's answer; 3 is unordered, which it never answers for KCMP_VM."""


def compare_spaces(first: int, second: int) -> Order | None:
    """Return 0 where the two pids share an address space, otherwise their order; None: it cannot be told.

    The order is one over all address spaces, the same at every call until the machine is booted anew.
    """
    # KCMP_VM has no use for the two arguments that would follow.
    return _ORDERS.get(_SYSCALL(_NUMBER, first, second, _KCMP_VM))


# Looked up once: forks of one program are compared some ten times each.
_NUMBER = _NUMBERS.get(os.uname().machine, -1)
"""-1 is no system call, which the kernel says (ENOSYS)."""
_SYSCALL = ctypes.CDLL(None).syscall
