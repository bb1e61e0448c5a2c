r"""/proc/PID/smaps: what is resident of each mapping (fs/proc/task_mmu.c, show_smap).

7f0000000000-7f0003000000 rw-s 00000000 00:01 2057                       /memfd:runsc-memory (deleted)
Size:              49152 kB
Rss:               49152 kB
Pss:               24576 kB
Anonymous:             0 kB
VmFlags: rd wr sh mr mw me ms

A line feed in a path is written \012 by the kernel, so a line is a line.
"""

import re
from collections.abc import Iterator

from msgspec import Struct

from memcollect_agent.errors import ParseError
from memcollect_agent.parse import words

_HEAD = re.compile(
    rb"^([0-9a-f]{1,16})-([0-9a-f]{1,16}) ([r-][w-][x-][sp]) [0-9a-f]+ ([0-9a-f]+:[0-9a-f]+) ([0-9]{1,20}) *"
    rb"([^\n]*)\n",
    re.MULTILINE,
)
_FIELD = re.compile(
    rb"^(Rss|Pss|Private_Clean|Private_Dirty|Anonymous|KSM|LazyFree|AnonHugePages|Shared_Hugetlb|Private_Hugetlb"
    rb"|Swap|SwapPss|Locked): +([0-9]{1,15}) kB$",
    re.MULTILINE,
)
_FLAGS = re.compile(rb"^VmFlags:((?: [a-z0-9?]{2})*) ?$", re.MULTILINE)


class Mapping(Struct, frozen=True):
    """One mapping: its address range, permissions, file and the resident sizes that are used here."""

    start: int
    end: int
    permissions: str
    """Four letters: r, w, x or -, and s (shared) or p (private)."""
    device: str
    inode: int
    path: str
    """Bytes that are not UTF-8 are written \\xNN; "" for anonymous memory."""
    sizes: dict[str, int]
    """In bytes, under the kernel's names; a name the kernel does not give is not there."""
    flags: str = ""
    """VmFlags, two letters each: "nr" is a mapping without reserve; "" where the kernel tells none."""

    @property
    def size(self) -> int:
        """Bytes of address space."""
        return self.end - self.start


def parse(data: bytes, source: str = "smaps") -> Iterator[Mapping]:
    """Yield each mapping in the order of addresses.

    Raises ParseError where the text does not begin with a mapping, or one of them has no Rss or Pss.
    """
    if not data:
        return
    heads = list(_HEAD.finditer(data))
    if not heads or heads[0].start():
        raise ParseError(source, 1, "is not the address range of a mapping")
    ends = [head.start() for head in heads[1:]] + [len(data)]
    for head, end in zip(heads, ends, strict=True):
        sizes = {
            key.decode("ascii"): words.kibibytes(value, b"kB", source, 0)
            for key, value in _FIELD.findall(data, head.end(), end)
        }
        if "Rss" not in sizes or "Pss" not in sizes:
            line = data.count(b"\n", 0, head.start()) + 1
            raise ParseError(source, line, "is a mapping without Rss or Pss")
        yield Mapping(
            start=int(head[1], 16),
            end=int(head[2], 16),
            permissions=head[3].decode("ascii"),
            device=head[4].decode("ascii"),
            inode=int(head[5]),
            path=head[6].decode("utf-8", "backslashreplace"),
            sizes=sizes,
            flags=flags[1].decode("ascii").strip() if (flags := _FLAGS.search(data, head.end(), end)) else "",
        )


def whole_mappings(data: bytes) -> bytes:
    """Return `data` without its last mapping, which a bounded read may have cut."""
    last = None
    for last in _HEAD.finditer(data):  # noqa: B007 - the last one is what is looked for
        pass
    return data[: last.start()] if last else b""
