"""The table of docs/troubleshooting.md: what happened, and what memcollect promises to say of it."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs/troubleshooting.md"


def promised() -> dict[str, str]:
    """Return the page's sentences by what happened."""
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    return {cells[0].removeprefix("| "): cells[1] for cells in rows[1:]}


def holds(promise: str, said: str) -> bool:
    """Whether `said` holds the promised sentence; each … stands for something."""
    return re.search(".+?".join(map(re.escape, promise.split("…"))), said) is not None
