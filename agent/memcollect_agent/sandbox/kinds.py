"""The programs of sandbox runtimes, as data, and how a process is told to be one of them. Pure.

argv[0] and `comm` (cut to 15 bytes: `containerd-shim` for every shim) are the process's own choice, and
/proc/PID/exe is the kernel's word: where it can be read it alone counts. argv[0] counts where it cannot,
and comm where neither can. gVisor starts its processes through /proc/self/exe with another argv[0]
(runsc/sandbox/sandbox.go), so their comm may be `exe`; what they are tells the subcommand.
"""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

from msgspec import Struct

COMM_LENGTH = 15
"""TASK_COMM_LEN − 1 (include/linux/sched.h)."""


class Kind(Struct, frozen=True):
    """One kind of process: its name here, and a pattern that the program's whole base name must match."""

    name: str
    programs: str
    subcommand: str = ""
    """A word that must be among the arguments: one binary may be several programs."""


KINDS = (
    Kind("sentry", r"runsc-sandbox"),
    Kind("gofer", r"runsc-gofer"),
    Kind("sentry", r"runsc", "boot"),
    Kind("gofer", r"runsc", "gofer"),
    Kind("kata-shim", r"containerd-shim-kata-v2|kata-shim"),
    Kind("cube-shim", r"containerd-shim-cube(?:-rs|-v2)?"),
    Kind(
        "vmm", r"qemu-system-[a-z0-9_]+(?:-experimental|-snp-experimental)?|qemu-kvm|qemu-lite-system-x86_64"
    ),
    Kind(
        "vmm",
        r"cloud-hypervisor(?:-glibc)?|clh|firecracker(?:-v[0-9][\w.-]{0,40})?|stratovirt|crosvm|dragonball",
    ),
    Kind("virtiofsd", r"virtiofsd|virtiofsd-rs"),
    Kind("nydusd", r"nydusd"),
    Kind("jailer", r"jailer"),
    Kind("execd", r"execd"),
)
HOLDERS = frozenset({"sentry", "vmm", "kata-shim", "cube-shim"})
"""Kinds that may hold guest memory: a shim does where the VMM is a part of it (runtime-rs, Cube)."""
VISITORS = frozenset({"virtiofsd", "nydusd", "sentry-stub"})
"""Kinds that map the guest's memory a second time."""

KEEPERS = (
    Kind("shim", r"(?:docker-)?containerd-shim(?:-[a-z0-9]+)*"),
    Kind("monitor", r"(?:crio-)?conmon(?:rs)?"),
)
"""Programs beside every ordinary container: they hold nothing of a guest, and tell no runtime apart."""

_PATTERNS = tuple((kind, re.compile(kind.programs)) for kind in KINDS)
_PROGRAMS = re.compile("|".join(kind.programs for kind in KINDS))
_KEEPER_PATTERNS = tuple((kind, re.compile(kind.programs)) for kind in KEEPERS)
_SANDBOX_OPTIONS = ("-id", "--id", "--sandbox", "-sandbox")
_QEMU_NAME = re.compile(r"(?:^|,)sandbox-([0-9a-f]{32,64})(?:,|$)")
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z_.-]{0,127}")


_Patterns: TypeAlias = Sequence[tuple[Kind, re.Pattern[str]]]


class Recognised(Struct, frozen=True):
    """What a process was told to be: the kind, the name that told, and where the name was."""

    kind: str
    program: str
    by: str


def recognise(comm: str, arguments: Sequence[str], exe: str | None) -> Recognised | None:
    """Return what the process is, None where it is nothing that is known here."""
    return _recognised(_PATTERNS, comm, arguments, exe)


def is_known(exe: str) -> bool:
    """Return whether the program may be one of KINDS: of any other neither arguments nor comm are asked."""
    return _PROGRAMS.fullmatch(program_name(exe)) is not None


def recognise_keeper(comm: str, arguments: Sequence[str], exe: str | None) -> Recognised | None:
    """Return which of KEEPERS the process is, None where it is none of them."""
    return _recognised(_KEEPER_PATTERNS, comm, arguments, exe)


def _recognised(
    patterns: _Patterns, comm: str, arguments: Sequence[str], exe: str | None
) -> Recognised | None:
    if exe or arguments:
        by, name = ("exe", program_name(exe)) if exe else ("argv[0]", program_name(arguments[0]))
        kind = _kind_of(patterns, name, arguments)
        return Recognised(kind.name, name, by) if kind else None
    kind = _kind_of_cut(patterns, comm)
    return Recognised(kind.name, comm, "comm") if kind else None


def sandbox_id(arguments: Sequence[str]) -> str | None:
    """Return the sandbox's id from a shim's or a VMM's arguments, None where they tell none.

    Shims: -id ID (containerd's shim protocol); Firecracker and its jailer: --id ID; QEMU under Kata:
    -name sandbox-ID.
    """
    for option, value in pairwise(arguments):
        if option in _SANDBOX_OPTIONS and _ID.fullmatch(value):
            return value
        if option == "-name" and (match := _QEMU_NAME.search(value)):
            return match[1]
    for argument in arguments:
        if argument.startswith("--id=") and _ID.fullmatch(argument[5:]):
            return argument[5:]
    return None


def _kind_of(patterns: _Patterns, name: str, arguments: Sequence[str]) -> Kind | None:
    for kind, pattern in patterns:
        if pattern.fullmatch(name) and (not kind.subcommand or kind.subcommand in arguments[1:]):
            return kind
    return None


def _kind_of_cut(patterns: _Patterns, comm: str) -> Kind | None:
    # Only a name that fits into comm whole: a cut one (`containerd-shim`) is every shim's.
    return _kind_of(patterns, comm, ()) if len(comm) < COMM_LENGTH else None


def program_name(path: str) -> str:
    """Return the last name of a program's path, as /proc/PID/exe or a first argument has it."""
    return path.removesuffix(" (deleted)").rsplit("/", 1)[-1]
