"""One QEMU machine: started, waited for until it can be logged in to, and ended without a trace."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from memcollect.lab import space, syscalls
from memcollect.lab.errors import BootError, MissingToolError, TimeLimitError
from memcollect.lab.full.acceleration import Processor
from memcollect.lab.full.image import Image
from memcollect.lab.full.recipe import DISKS, READY
from memcollect.lab.full.remote import Remote

_QEMU = "qemu-system-x86_64"
_KVM_GAVE_UP = "KVM internal error"
"""QEMU says so and stays, with its guest stopped."""
_POLL_SECONDS = 0.5
_DISK_BYTES = 1 << 30
"""Of each disk beside the root; sparse."""
_ROOM_BYTES = 3 << 30
"""For what a run writes to its disks."""
_COMMAND_LINE = (
    "root=/dev/vda rw console=ttyS0 net.ifnames=0 psi=1 mitigations=off apparmor=0 audit=0 fsck.mode=skip"
    " systemd.show_status=0 quiet"
)


_started: dict[int, "subprocess.Popen[bytes]"] = {}
"""By pid, those that this process started and has not ended."""


class Setting(Struct, frozen=True, kw_only=True):
    """How large the machine is, and how long it may take to boot."""

    memory_bytes: int = 3 << 30
    cpus: int = 2
    boot_seconds: float = 900.0
    """A machine with idle CPUs needs 80; one that is shared may need several times that."""


class Running(Struct, frozen=True, kw_only=True):
    """A machine that runs."""

    pid: int
    """QEMU's, which leads a session of its own."""
    directory: str
    """Private; holds its disks, its console and the ssh connection's socket."""
    remote: Remote


def start(
    image: Image, setting: Setting, directory: Path, processor: Processor, *, lasting: bool = False
) -> Running:
    """Boot the image, its files in `directory`, and return when it can be logged in to.

    `lasting`: it outlives the thread that started it. Raises MissingToolError, BootError, TimeLimitError.
    """
    if shutil.which(_QEMU) is None:
        raise MissingToolError(_QEMU, "qemu-system-x86")
    if shutil.which("ssh") is None:
        raise MissingToolError("ssh", "openssh-client")
    for disk in DISKS:
        with (directory / f"{disk}.img").open("wb") as file:
            file.truncate(_DISK_BYTES)
    port = _free_port()
    with (directory / "qemu.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 -- our own arguments
            [_QEMU, *_arguments(image, setting, directory, processor, port)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "TMPDIR": str(directory)},
            start_new_session=True,
            preexec_fn=None if lasting else syscalls.end_with_parent,  # noqa: PLW1509 -- one call into the kernel, no locks
        )
    _started[process.pid] = process
    remote = Remote(port=port, login=str(image.login), control=str(directory / "ssh"))
    running = Running(pid=process.pid, directory=str(directory), remote=remote)
    try:
        _wait_ready(process, directory, setting.boot_seconds)
    except BaseException:
        end(running)
        raise
    return running


def end(running: Running) -> None:
    """End it at once; ended already is fine. Its files stay where they are."""
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)
    process = _started.pop(running.pid, None)
    if process is not None:
        process.wait()
    # The process behind the shared connection ends with it; its socket would otherwise be left.
    Path(running.remote.control).unlink(missing_ok=True)


@contextmanager
def private_directory() -> Iterator[Path]:
    """Make a directory that has the room for a machine's disks, gone with all in it afterwards."""
    room = space.files_directory(_ROOM_BYTES)
    with tempfile.TemporaryDirectory(prefix="memcollect-lab-", dir=room) as name:
        yield Path(name)


def _arguments(image: Image, setting: Setting, directory: Path, processor: Processor, port: int) -> list[str]:
    # What the guest writes to its root goes to a file of QEMU's own that has no name.
    drives = [f"file={image.root},format=raw,if=virtio,snapshot=on,cache=unsafe"]
    drives += [f"file={directory}/{disk}.img,format=raw,if=virtio,cache=unsafe" for disk in DISKS]
    return [
        *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
        *("-machine", "q35", "-cpu", processor.model, "-accel", processor.accelerator),
        *("-smp", str(setting.cpus)),
        *("-m", f"{setting.memory_bytes >> 20}M"),
        *("-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", _COMMAND_LINE),
        *(word for drive in drives for word in ("-drive", drive)),
        *("-netdev", f"user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"),
        *("-device", "virtio-net-pci,netdev=net", "-device", "virtio-rng-pci"),
        *("-serial", f"file:{directory}/console.log"),
    ]


def _wait_ready(process: "subprocess.Popen[bytes]", directory: Path, limit_seconds: float) -> None:
    deadline = time.monotonic() + limit_seconds
    console = directory / "console.log"
    while not (console.exists() and READY in console.read_text(errors="replace")):
        if process.poll() is not None:
            raise BootError(f"QEMU ended before the guest was up: {_last_words(directory)}")
        if _KVM_GAVE_UP in (directory / "qemu.log").read_text(errors="replace"):
            raise BootError("this machine's KVM cannot run the guest's kernel.")
        if time.monotonic() > deadline:
            raise TimeLimitError(
                f"the guest was not up within {limit_seconds:.0f} s; its last words: {_last_words(directory)}"
            )
        time.sleep(_POLL_SECONDS)


def _last_words(directory: Path) -> str:
    said = [directory / name for name in ("console.log", "qemu.log")]
    lines = [line for file in said if file.exists() for line in file.read_text(errors="replace").splitlines()]
    return " / ".join(line.strip() for line in lines[-6:] if line.strip()) or "none"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number
