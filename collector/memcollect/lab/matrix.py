"""Every kernel the lab knows: where it is from, how it is booted, what it can show and what runs on it.

    python -m memcollect.lab.matrix truth      print the kernels a suite runs on
    python -m memcollect.lab.matrix table      print the table of docs/lab.md

The one place where these facts stand: the code, the scripts and the documents read them here.
"""

import sys
from enum import StrEnum

from msgspec import Struct


class Boot(StrEnum):
    """How a kernel is started."""

    PROGRAM = "as a program (User-Mode Linux)"
    MACHINE = "in QEMU"


class Feature(StrEnum):
    """What a kernel may have that memory can be seen by; the value is its configuration's name for it."""

    SMP = "SMP"
    SWAP = "SWAP"
    ZSWAP = "ZSWAP"
    PSI = "PSI"
    THP = "TRANSPARENT_HUGEPAGE"
    MGLRU = "LRU_GEN"
    HUGETLB = "HUGETLBFS"
    KSM = "KSM"


class Suite(StrEnum):
    """A suite of tests that needs a kernel of its own."""

    TRUTH = "truth"
    """Workloads whose truth is known: tests/lab/test_truth.py."""
    LAB = "lab"
    """All of tests/lab but the guide, with the truth workloads; on a kernel that is installed, if one is."""
    GUIDE = "guide"
    """The measuring guide on two backends: tests/lab/test_profile.py, and `make demo-profile`."""
    FULL = "full"
    """What only a distribution's kernel and real runtimes can show: tests/lab_full, by `make lab-full`."""


class Row(Struct, frozen=True, kw_only=True):
    """One kernel."""

    version: str
    """As `make lab KERNEL=` and `make lab-full KERNEL=` take it: the beginning of what `uname -r` prints."""
    suite: str
    """Of Debian; `sid` moves on, the others do not."""
    boot: Boot
    features: frozenset[Feature]
    runs: tuple[Suite, ...]
    """All but FULL by `make test`."""
    options: tuple[str, ...] = ()
    """On its command line."""
    traces: bool = True
    """Whether it runs its programs by ptrace(2)."""
    sets_bytes: int | None = None
    """How large a register area it sets by ptrace; None: as large as the host's (processor.needs_padding)."""
    keeps_removed: bool = True
    """Whether a removed cgroup stays, as dying, for as long as a page is charged to it; if not, its pages are
    its parent's at once, and nr_dying_descendants says 0 of them."""


FIXED_BYTES = 2696
"""What User-Mode Linux sets before commit 3f17fed21491 (6.13): HOST_FP_SIZE in arch/x86/um/user-offsets.c,
which holds everything up to AVX-512 and protection keys. Where the processor has less, the host cuts it."""

_SMALL = frozenset({Feature.SWAP, Feature.ZSWAP})

MATRIX = (
    Row(
        version="5.10",
        suite="bullseye",
        boot=Boot.PROGRAM,
        features=_SMALL,
        runs=(Suite.TRUTH,),
        sets_bytes=FIXED_BYTES,
    ),
    Row(
        version="6.1",
        suite="bookworm",
        boot=Boot.PROGRAM,
        features=_SMALL,
        runs=(Suite.LAB,),
        sets_bytes=FIXED_BYTES,
    ),
    Row(
        version="6.12",
        suite="trixie",
        boot=Boot.PROGRAM,
        features=_SMALL,
        runs=(Suite.TRUTH,),
        sets_bytes=FIXED_BYTES,
    ),
    Row(
        version="7.2",
        suite="sid",
        boot=Boot.PROGRAM,
        features=_SMALL,
        runs=(Suite.TRUTH, Suite.GUIDE),
        options=("seccomp=on",),
        traces=False,
        keeps_removed=False,
    ),
    Row(
        version="6.12",
        suite="trixie",
        boot=Boot.MACHINE,
        features=frozenset(Feature),
        runs=(Suite.FULL,),
    ),
    Row(
        version="7.2",
        suite="sid",
        boot=Boot.MACHINE,
        features=frozenset(Feature),
        runs=(Suite.FULL,),
    ),
)


def versions(suite: Suite | None = None) -> list[str]:
    """Return the kernels that `suite` runs on; without one those that are booted as programs."""
    return [
        row.version for row in MATRIX if (row.boot is Boot.PROGRAM if suite is None else suite in row.runs)
    ]


def row_of(release: str, boot: Boot = Boot.PROGRAM) -> Row | None:
    """Return the row of a kernel by its version or by what `uname -r` prints ("6.1.176"); None: unknown."""
    for row in MATRIX:
        if row.boot is boot and (
            release == row.version or release.startswith((row.version + ".", row.version + "-"))
        ):
            return row
    return None


def table() -> str:
    """Return the matrix as Markdown."""
    names = [feature.name for feature in Feature]
    head = ["kernel", "Debian", "booted", *names, "suites"]
    lines = [head, ["---"] * len(head)]
    for row in MATRIX:
        has = ["yes" if feature in row.features else "" for feature in Feature]
        lines.append([row.version, row.suite, row.boot, *has, ", ".join(row.runs)])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main(arguments: list[str]) -> int:
    """Print what is asked for, for scripts."""
    wanted = [*Suite, "table"]
    if len(arguments) != 1 or arguments[0] not in wanted:
        sys.stderr.write(f"usage: python -m memcollect.lab.matrix {{{','.join(wanted)}}}\n")
        return 2
    (what,) = arguments
    sys.stdout.write(table() if what == "table" else " ".join(versions(Suite(what))) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
