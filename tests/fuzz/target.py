"""What is fuzzed: a function of bytes that must neither raise nor break its word, whatever they are."""

from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from functools import cache
from itertools import islice
from pathlib import Path

from msgspec import Struct

TESTS = Path(__file__).parents[1]
OWN_SEEDS = Path(__file__).parent / "seeds"
RECORDED = (
    *(TESTS / name for name in ("fixtures", "wire_samples")),
    *(TESTS.parent / name for name in ("plans", "collector/memcollect/services")),
)
"""Folders of files that may be seeds."""
MOST_RECORDED = 6
LARGEST_SEED_BYTES = 64 << 10


class Target(Struct, frozen=True, kw_only=True):
    """One parser or decoder."""

    name: str
    run: Callable[[bytes], object]
    """Raises only where something is wrong with the code: AssertionError, or what it should not let out."""
    recorded: str = ""
    """A pattern of paths in RECORDED: files that are seeds beside those in seeds/NAME."""
    most_bytes: int = 4096
    """The longest input that is tried."""

    def seeds(self) -> Iterator[bytes]:
        """Yield inputs to begin with, the smallest recorded ones of different sizes among them."""
        own = OWN_SEEDS / self.name
        yield from (file.read_bytes() for file in sorted(own.glob("*")))
        if self.recorded:
            sizes = {size: file for file, size in _recorded() if fnmatch(str(file), self.recorded)}
            yield from (sizes[size].read_bytes() for size in islice(sorted(sizes), MOST_RECORDED))


@cache
def _recorded() -> list[tuple[Path, int]]:
    files = sorted(
        (file for folder in RECORDED for file in folder.rglob("*") if file.is_file()), reverse=True
    )
    sized = [(file, file.stat().st_size) for file in files]
    return [(file, size) for file, size in sized if 0 < size <= LARGEST_SEED_BYTES]
