"""Numbers with their spread as small pictures, one in each row of a table: dots, differences, times. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from memcollect.reporters.html.markup import NOTHING, Markup, element
from memcollect.reporters.html.shapes import Scale, bar, dot, picture, upright, whisker

HEIGHT = 22
MIDDLE = HEIGHT // 2
SMALL, LARGE = "3.5", "5"


class Sample(NamedTuple):
    """Single values, each with its text, and what they come to."""

    values: Sequence[tuple[float, str]]
    ends: tuple[float, float]
    middle: float
    inner: tuple[float, float] | None = None
    """The middle half of the values, where it is known."""


def dots(title: str, scale: Scale, sample: Sample) -> Markup:
    """Return the single values as dots, what they lie between, and their median."""
    box = bar(scale, sample.inner, "inner", height=HEIGHT) if sample.inner else NOTHING
    single = (_titled_dot(scale, value, text) for value, text in _apart(scale, sample.values))
    stroke = upright(scale, sample.middle, "median", top="2", bottom=str(HEIGHT - 2))
    return picture(title, box, whisker(scale, sample.ends, y=MIDDLE), *single, stroke, height=HEIGHT)


def difference(title: str, scale: Scale, change: float, ends: tuple[float, float] | None) -> Markup:
    """Return a bar from nought to the change, to the left where there is less, and its interval."""
    nought = upright(scale, 0, "nought", top="-4", bottom=str(HEIGHT + 4))
    drawn = bar(scale, (0, change), "less" if change < 0 else "more", height=HEIGHT)
    spread = whisker(scale, ends, y=MIDDLE) if ends else NOTHING
    return picture(title, drawn, nought, spread, height=HEIGHT, class_="change")


def percentiles(title: str, scale: Scale, values: Iterable[float], marks: Sequence[float]) -> Markup:
    """Return every single value as a faint dot, and p50, p95 and p99: a dot, a ring and a stroke."""
    apart = _apart(scale, ((value, "") for value in values))
    single = [dot(scale, value, "single", y=MIDDLE, radius=SMALL) for value, _ in apart]
    p50, p95, p99 = marks
    marked = (
        upright(scale, p99, "median", top="2", bottom=str(HEIGHT - 2)),
        dot(scale, p95, "ring", y=MIDDLE, radius=LARGE),
        dot(scale, p50, "middle", y=MIDDLE, radius=LARGE),
    )
    return picture(title, *single, *marked, height=HEIGHT)


def _titled_dot(scale: Scale, value: float, text: str) -> Markup:
    circle = dot(scale, value, "value", y=MIDDLE, radius=SMALL)
    return element("g", element("title", text), circle)


def _apart(scale: Scale, values: Iterable[tuple[float, str]]) -> Iterator[tuple[float, str]]:
    """Yield the values that a picture can show apart: of thousands many would lie on one another."""
    seen: set[int] = set()
    for value, text in values:
        place = round(scale.percent(value) * 4)
        if place not in seen:
            seen.add(place)
            yield value, text
