"""The pages of the catalogue: one of each room, its modules in order, each text on a line of its own."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from texts.spoken import spoken, spoken_in_the_browser

ROOT = Path(__file__).parents[2]
PLACE = ROOT / "docs/texts"
AGENT = ROOT / "agent/memcollect_agent"
COLLECTOR = ROOT / "collector/memcollect"
UNSPOKEN = frozenset({"testing"})
"""Rooms that say nothing of ours: a stand-in's texts are those of the program it stands in for."""
_INDENT = " " * 4
LOOSE = "both-programs"
"""The page of the modules that stand in no room."""


def pages() -> dict[str, str]:
    """Return the text of every page by its file's name."""
    return {f"{room}.txt": text for room, modules in sorted(_rooms().items()) if (text := _page(modules))}


@cache
def all_texts() -> tuple[str, ...]:
    """Return the texts of all pages."""
    lines = (line for page in pages().values() for line in page.split("\n"))
    return tuple(line.removeprefix(_INDENT) for line in lines if line.startswith(_INDENT))


def _rooms() -> dict[str, list[Path]]:
    rooms: dict[str, list[Path]] = {}
    for module in sorted((*COLLECTOR.rglob("*.py"), *COLLECTOR.rglob("*.js"), *AGENT.rglob("*.py"))):
        room = _room(module)
        if room not in UNSPOKEN:
            rooms.setdefault(room, []).append(module)
    return rooms


def _room(module: Path) -> str:
    if module.is_relative_to(AGENT):
        return "agent"
    inside = module.relative_to(COLLECTOR)
    return inside.parts[0] if len(inside.parts) > 1 else LOOSE


def _page(modules: list[Path]) -> str:
    return "\n".join(part for module in modules for part in _part(module))


def _part(module: Path) -> Iterator[str]:
    read = spoken if module.suffix == ".py" else spoken_in_the_browser
    texts = read(module.read_text(encoding="utf-8"))
    if texts:
        yield "\n".join((str(module.relative_to(ROOT)), *(f"{_INDENT}{text}" for text in texts), ""))


def write() -> None:
    """Write all pages, and take away those of rooms that are gone."""
    found = pages()
    PLACE.mkdir(exist_ok=True)
    for gone in {path.name for path in PLACE.glob("*.txt")} - set(found):
        (PLACE / gone).unlink()
    for name, text in found.items():
        (PLACE / name).write_text(text, encoding="utf-8")
