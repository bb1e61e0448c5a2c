"""What the guest's processor is: this machine's own, by KVM, or an emulated one."""

import fcntl
import os
import platform
from pathlib import Path

from msgspec import Struct

EMULATE = "MEMCOLLECT_FULL_EMULATE"
"""Variable of the environment; set to anything, the processor is emulated where KVM could be used, too."""
_KVM = Path("/dev/kvm")
_KVM_CREATE_VM = 0xAE01
"""Of linux/kvm.h."""


class Processor(Struct, frozen=True):
    """What QEMU is told, and what people are."""

    accelerator: str
    model: str
    text: str


VIRTUALISED = Processor("kvm", "host", "some seconds: KVM")
EMULATED = Processor(
    # tb-size: MiB of translated code that are kept. All that was translated of a page is looked through at
    # every write to it; seen with QEMU 7.2 and more of it: 10 ms a write, and minutes to clear a huge page.
    accelerator="tcg,thread=multi,tb-size=128",
    # Without the two the kernel does not copy and clear memory by the byte, which emulation does one by one.
    model="max,erms=off,fsrm=off",
    text="a minute or two: its processor is emulated",
)


def choose(kvm: Path = _KVM) -> Processor:
    """Return this machine's own where KVM gives this user a machine, unless EMULATE is set."""
    return VIRTUALISED if not os.environ.get(EMULATE) and _gives_machines(kvm) else EMULATED


def _gives_machines(kvm: Path) -> bool:
    # That it can be opened is not enough: where a host allows no nesting it can, and makes none.
    if platform.machine() != "x86_64":
        return False
    try:
        device = os.open(kvm, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.close(fcntl.ioctl(device, _KVM_CREATE_VM, 0))
    except OSError:
        return False
    finally:
        os.close(device)
    return True
