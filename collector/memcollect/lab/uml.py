"""Boot a User-Mode Linux kernel on the host's own root, run one command in it, and clean up.

Facts used: `root=/dev/root rootfstype=hostfs rootflags=/` makes the host's root the guest's; `ubd0=` and
`ubd1=` are its disks; `ssl0=null,fd:N` writes its first serial line to a descriptor of ours; its memory is
an unlinked file below $TMPDIR that must allow execution (arch/um/os-Linux/mem.c in the kernel).
"""

import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from memcollect.lab import images, processor, space, syscalls
from memcollect.lab.errors import BootError, LabError
from memcollect.lab.guest_config import STANDARD_MOUNTS, GuestConfig, Mount
from memcollect.lab.kernels import Kernel
from memcollect.lab.streams import lines_of
from memcollect.termination import ending_cleanly

_TIME = re.compile(r"^\[ *[0-9.]+\] ?")
_EVERY_BOOT = re.compile(r"^(SELinux:|mmapper_init - |Failed to initialize ubd)")
"""What User-Mode Linux says of itself in a good boot, too."""
_PANIC = re.compile(r"^(Kernel panic - not syncing|Oops)\b")
_REASON = re.compile(r"\b(failed|errno|cannot|can't|unable|no space)\b", re.IGNORECASE)

LineSink = Callable[[str], None]
"""Receives each line as it comes, without its end."""


class Machine(Struct, frozen=True, kw_only=True):
    """What to boot and what to run in it."""

    kernel: Kernel
    command: list[str]
    """argv; run as root of the guest, below /, with the caller's Python path."""
    environment: dict[str, str] = {}
    memory_bytes: int = 512 << 20
    disk_bytes: int = 0
    """Size of an ext4 disk mounted on `disk_target`; 0: none."""
    disk_target: str = "/run/data"
    disk_content: str | None = None
    """A host directory whose content the disk starts with."""
    swap_bytes: int = 0
    modules: list[str] = []
    """Modules to load, e.g. "fs/overlayfs/overlay.ko"."""
    tmpfs: list[str] = []
    """Further directories to cover with a tmpfs."""
    time_limit_seconds: float = 600.0
    """What takes longer hangs: a boot takes seconds, on a machine with other work a minute."""


class Outcome(Struct, frozen=True, kw_only=True):
    """How the guest's command ended."""

    exit_code: int
    errors: list[str]
    """What it wrote to stderr, by line."""
    kernel_log: str


def boot(machine: Machine, on_line: LineSink = lambda _line: None) -> Outcome:
    """Run the machine to its end; `on_line` gets the command's stdout as it is written.

    Whatever happens (an exception in `on_line`, Ctrl-C, SIGTERM), no process and no file of it is left.
    Raises NoSpaceError, MissingToolError, TimeLimitError, and BootError when the kernel ended early.
    """
    room = space.files_directory(machine.disk_bytes + machine.swap_bytes + (8 << 20))
    with ending_cleanly(), tempfile.TemporaryDirectory(prefix="memcollect-lab-", dir=room) as name:
        directory = Path(name)
        _refuse_blanks(name)
        disks = _make_disks(machine, directory)
        init = _write_init(machine, directory)
        log, errors = _run(machine, [*disks, f"init={init}"], directory, on_line)
        return _outcome(directory, log, errors)


def _refuse_blanks(path: str) -> None:
    if any(character.isspace() for character in path):
        raise LabError(
            f"the kernel's command line cannot hold the blanks in {path}; set TMPDIR to a path without"
        )


def _make_disks(machine: Machine, directory: Path) -> list[str]:
    disks = []
    if machine.disk_bytes:
        content = Path(machine.disk_content) if machine.disk_content else None
        images.make_ext4(directory / "disk.img", machine.disk_bytes, content)
        disks.append(f"ubd0={directory}/disk.img")
    if machine.swap_bytes:
        images.make_swap(directory / "swap.img", machine.swap_bytes)
        disks.append(f"ubd1={directory}/swap.img")
    return disks


def _write_init(machine: Machine, directory: Path) -> Path:
    """Write the configuration, and the two-line program that the kernel can start with it."""
    mounts = [*STANDARD_MOUNTS, *(Mount("tmpfs", target, "tmpfs", "mode=755") for target in machine.tmpfs)]
    if machine.disk_bytes:
        mounts.append(Mount("/dev/ubda", machine.disk_target, "ext4", flags=syscalls.MS_NOATIME))
    config = GuestConfig(
        command=machine.command,
        environment=_environment(machine.environment),
        mounts=mounts,
        modules=[machine.kernel.module(module) for module in machine.modules],
        swap_device="/dev/ubdb" if machine.swap_bytes else None,
        exit_code_file=str(directory / "exit-code"),
    )
    (directory / "config.json").write_bytes(msgspec.json.encode(config))
    init = directory / "init"
    command = shlex.join([sys.executable, "-m", "memcollect.lab.init", str(directory / "config.json")])
    init.write_text(f"#!/bin/sh\nexport PYTHONPATH={shlex.quote(_python_path())}\nexec {command}\n")
    init.chmod(0o755)
    return init


def _environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return the command's environment: nothing of the host's but where programs and modules are."""
    path = os.environ.get("PATH", os.defpath)
    standard = {
        "PATH": path,
        "HOME": "/run",
        "TMPDIR": "/run",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return {**standard, "PYTHONPATH": _python_path(), **own}


def _python_path() -> str:
    return os.pathsep.join(
        str(Path(entry).resolve()) for entry in sys.path if entry.strip() and ":" not in entry
    )


def _run(machine: Machine, arguments: list[str], directory: Path, on_line: LineSink) -> tuple[str, list[str]]:
    """Run the kernel to its end; return what it said itself and the command's stderr."""
    errors: list[str] = []
    with (directory / "kernel.log").open("w+b") as log, _output_pipes() as (readers, writers):
        with _process_group(machine, arguments, directory, log.fileno(), writers) as process:
            for index, line in lines_of(process, readers, machine.time_limit_seconds):
                (errors.append if index else on_line)(line)
        log.seek(0)
        return log.read().decode(errors="replace"), errors


@contextmanager
def _output_pipes() -> Iterator[tuple[list[int], list[int]]]:
    pipes = [os.pipe(), os.pipe()]
    readers, writers = [pipe[0] for pipe in pipes], [pipe[1] for pipe in pipes]
    try:
        yield readers, writers
    finally:
        for descriptor in [*readers, *writers]:
            os.close(descriptor)


@contextmanager
def _process_group(
    machine: Machine, arguments: list[str], directory: Path, log: int, writers: list[int]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the kernel as the leader of a session of its own; at the end nothing of that session is left."""
    kernel = machine.kernel
    memory = space.memory_directory(machine.memory_bytes)
    command = [
        kernel.program,
        *kernel.options,
        f"mem={machine.memory_bytes >> 20}M",
        *("root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw", "quiet"),
        *("con=null", "con0=null,fd:1", "ssl=null"),
        *(f"ssl{number}=null,fd:{writer}" for number, writer in enumerate(writers)),
        *arguments,
    ]
    process = subprocess.Popen(  # noqa: S603 -- our own arguments
        command,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=writers,
        cwd=kernel.directory,
        env=environment_of(kernel, directory, memory),
        start_new_session=True,
        preexec_fn=syscalls.end_with_parent,  # noqa: PLW1509 -- one call into the kernel, no locks
    )
    try:
        yield process
    finally:
        _end(process)


def environment_of(kernel: Kernel, directory: Path, memory: Path) -> dict[str, str]:
    """Return the environment of the kernel's own program; what is preloaded for others is not for it."""
    # It keeps a management socket in ~/.uml.
    own = {"TMPDIR": str(memory), "HOME": str(directory), "LD_PRELOAD": "", **kernel.environment}
    if kernel.traces and processor.needs_padding(processor.register_bytes(), kernel.sets_bytes):
        own["LD_PRELOAD"] = f"{own['LD_PRELOAD']} {processor.padding_library(directory)}".strip()
    return {**os.environ, **own}


def _end(process: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _outcome(directory: Path, log: str, errors: list[str]) -> Outcome:
    try:
        code = int((directory / "exit-code").read_text())
    except (OSError, ValueError):
        raise BootError(early_end(log)) from None
    return Outcome(exit_code=code, errors=errors, kernel_log=log)


def early_end(log: str) -> str:
    """Return why the kernel ended, by its own line: what failed last before it panicked; no backtrace."""
    lines = [said for line in log.splitlines() if (said := _TIME.sub("", line).strip())]
    own = [line for line in lines if not _EVERY_BOOT.match(line)]
    panic = next((number for number, line in enumerate(own) if _PANIC.match(line)), len(own) - 1)
    failures = [line for line in own[:panic] if _REASON.search(line)]
    (cause,) = failures[-1:] or own[panic : panic + 1] or ["nothing"]
    return f"the kernel ended before its work was done; it said: {cause}"
