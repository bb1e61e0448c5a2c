"""How the kernel is set while the workloads play: MGLRU on and off, huge pages always and never."""

from itertools import product
from pathlib import Path
from typing import Literal

from msgspec import Struct

HugePages = Literal["always", "never"]
_MGLRU = Path("/sys/kernel/mm/lru_gen/enabled")
_HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


class Pass(Struct, frozen=True, kw_only=True):
    """One setting of the kernel."""

    mglru: bool
    huge_pages: HugePages

    @property
    def name(self) -> str:
        return f"{'mglru' if self.mglru else 'lru'}-thp-{self.huge_pages}"

    def apply(self) -> None:
        """Set the kernel that this runs on so."""
        _MGLRU.write_text("y" if self.mglru else "n")
        _HUGE_PAGES.write_text(self.huge_pages)


_HUGE: tuple[HugePages, ...] = ("always", "never")
PASSES = {
    each.name: each
    for mglru, huge in product((True, False), _HUGE)
    for each in [Pass(mglru=mglru, huge_pages=huge)]
}
