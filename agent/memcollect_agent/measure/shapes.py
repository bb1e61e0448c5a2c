"""What an anonymous mapping is for, where only its shape tells. Pure.

Nothing here is certain, and every kind of these is called inferred where it is shown:

    arena          glibc's malloc: HEAP_MAX_SIZE is 64 MiB, and a heap begins at a multiple of it. It is
                   mapped without access and without reserve, and made writable from below (malloc/arena.c)
    thread-stack   pthread_create maps a stack and takes the access from a guard below it; its size is a
                   multiple of 64 KiB (nptl/allocatestack.c; musl: src/thread/pthread_create.c). A guard is
                   never without reserve, as what a JVM has put aside for later is
    go-heap        runtime/malloc.go: the first arena hint is 0xc0 << 32
    v8             src/heap: pages of 256 KiB, aligned to their size
    jit            memory that is executable and of no file
    jvm-heap       HotSpot reserves it below 32 GiB, so that references fit 32 bits
    jvm-metaspace  HotSpot's metaspace and class space (measure/hotspot.py), or what lies at 32 GiB
    bss            a file's zeroed data: begins where its writable data ends (fs/binfmt_elf.c)
"""

from memcollect_agent.measure.hotspot import COMPRESSED
from memcollect_agent.parse.smaps import Mapping
from memcollect_agent.sandbox.kinds import program_name

ARENA_BYTES = 64 << 20
SMALLEST_STACK, LARGEST_STACK = 128 << 10, 256 << 20
STACK_UNIT = 64 << 10
LARGEST_GUARD = 1 << 20
V8_PAGE = 256 << 10
GO_HEAP = range(0xC0 << 32, 0xC8 << 32)
CLASS_SPACE = range(32 << 30, 36 << 30)
LARGEST_BSS_OF_A_LIBRARY = 1 << 20
"""A larger one may have grown together with another mapping, right above it."""

_V8_PROGRAMS = ("node", "nodejs", "chrome", "chromium", "headless_shell", "electron", "deno")
JVM_PROGRAMS = ("java",)


class Surroundings:
    """What is known of the process, and of the mappings that lie around the one that is looked at."""

    __slots__ = ("above", "below", "exe", "metaspace", "program")

    def __init__(
        self,
        exe: str | None,
        below: Mapping | None = None,
        above: Mapping | None = None,
        metaspace: frozenset[int] = frozenset(),
    ) -> None:
        self.exe = exe
        """As /proc/PID/exe says: a program cannot choose it, as it can its arguments."""
        self.program = program_name(exe or "")
        self.below = below
        self.above = above
        self.metaspace = metaspace
        """Where the mappings of a Java process's metaspace begin."""

    def between(self, below: Mapping | None, above: Mapping | None) -> "Surroundings":
        """Return the same process's, around another mapping."""
        return Surroundings(self.exe, below, above, self.metaspace)


def shape_of(mapping: Mapping, around: Surroundings) -> str:
    """Return what the private unnamed mapping looks like; "" where its shape tells nothing."""
    if "x" in mapping.permissions:
        return "jit"
    if "w" not in mapping.permissions:
        return ""
    return next((kind for kind, fits in _SHAPES if fits(mapping, around)), "")


def bss_of(mapping: Mapping, around: Surroundings) -> str | None:
    """Return the path of the file whose zeroed data an unnamed mapping is; None where it is of none."""
    below = around.below
    if below is None or below.end != mapping.start or not below.path.startswith("/"):
        return None
    if below.permissions[:2] != "rw" or mapping.permissions[:2] != "rw" or below.permissions[3] != "p":
        return None
    is_program = below.path == around.exe
    return below.path if is_program or mapping.size <= LARGEST_BSS_OF_A_LIBRARY else None


def _is_arena(mapping: Mapping, around: Surroundings) -> bool:
    if mapping.start % ARENA_BYTES:
        return False
    end = -(-mapping.end // ARENA_BYTES) * ARENA_BYTES
    if mapping.end == end:
        return "nr" in mapping.flags.split()
    rest = around.above
    return rest is not None and _is_barred(rest) and rest.start == mapping.end and rest.end >= end


def _is_stack(mapping: Mapping, around: Surroundings) -> bool:
    guard = around.below
    if guard is None or guard.end != mapping.start or not _is_barred(guard) or "nr" in guard.flags.split():
        return False
    whole = guard.size + mapping.size
    fits = SMALLEST_STACK <= mapping.size <= LARGEST_STACK and guard.size <= LARGEST_GUARD
    return fits and (mapping.size % STACK_UNIT == 0 or whole % STACK_UNIT == 0)


def _is_barred(mapping: Mapping) -> bool:
    return mapping.permissions == "---p" and not mapping.path


def _is_go_heap(mapping: Mapping, _around: Surroundings) -> bool:
    return mapping.start in GO_HEAP


def _is_v8(mapping: Mapping, around: Surroundings) -> bool:
    return around.program in _V8_PROGRAMS and mapping.start % V8_PAGE == 0 and mapping.size % V8_PAGE == 0


def _is_jvm_heap(mapping: Mapping, around: Surroundings) -> bool:
    return around.program in JVM_PROGRAMS and mapping.start in COMPRESSED


def _is_metaspace(mapping: Mapping, around: Surroundings) -> bool:
    return mapping.start in around.metaspace or (
        around.program in JVM_PROGRAMS and mapping.start in CLASS_SPACE
    )


_SHAPES = (
    ("jvm-metaspace", _is_metaspace),
    ("jvm-heap", _is_jvm_heap),
    ("arena", _is_arena),
    ("v8", _is_v8),
    ("thread-stack", _is_stack),
    ("go-heap", _is_go_heap),
)
