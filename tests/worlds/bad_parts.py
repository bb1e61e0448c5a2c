"""What a plan with mistakes is put together from."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Wrong:
    """One mistake: a line of TOML, the line that mends it, and its sentence."""

    written: str
    mended: str
    sentence: str


Part = str | Wrong
NAME_RULE = "use a-z, 0-9 and '-', at most 50 characters"


def text_of(plan: Sequence[Part], mended: Sequence[int] = ()) -> str:
    """Return the plan's TOML, with those of its mistakes mended whose numbers are given."""
    wrong = iter(range(len(plan)))
    return "".join(
        f"{part if isinstance(part, str) else part.mended if next(wrong) in mended else part.written}\n"
        for part in plan
    )


def sentences_of(plan: Sequence[Part]) -> list[str]:
    """Return what is said of the plan."""
    return [part.sentence for part in plan if isinstance(part, Wrong)]


def phase_of(do: str, name: str, *parts: Part) -> list[Part]:
    """Return a phase's parts."""
    return ["[[phases]]", f'do = "{do}"', f'name = "{name}"', *parts]
