"""What pictures are drawn with: a scale, and shapes placed on it in percent of the picture's width. Pure.

Percent from left to right and pixels from top to bottom: so a picture fits any width, without distortion.
"""

from __future__ import annotations

from typing import NamedTuple

from memcollect.reporters.html.markup import Markup, element


class Scale(NamedTuple):
    """What lies at the left and the right edge."""

    low: float
    high: float

    def percent(self, value: float) -> float:
        """Return where `value` lies, 0 at the left and 100 at the right edge."""
        length = self.high - self.low
        return (value - self.low) * 100 / length if length > 0 else 0.0

    def at(self, value: float) -> str:
        """Return the same as an attribute's value."""
        return percent_text(self.percent(value))


def percent_text(percent: float) -> str:
    """Return at most two decimals: a tenth of a pixel on the widest page."""
    return f"{percent:.2f}".rstrip("0").rstrip(".") + "%"


def picture(title: str, *shapes: str, height: int | None = None, class_: str = "") -> Markup:
    """Return an SVG that says in words what it shows; without a height it fills its table's cell."""
    return element(
        "svg",
        *shapes,
        class_=class_ or None,
        role="img",
        aria_label=title,
        height=_text(height),
    )


def bar(
    scale: Scale, ends: tuple[float, float], class_: str, *, height: int | None = None, title: str = ""
) -> Markup:
    """Return a bar between the two values, whichever is the larger; the title shows below a pointer.

    Without a height the style gives it one, for pages of very many bars.
    """
    left, right = (percent_text(scale.percent(each)) for each in sorted(ends))
    width = percent_text(float(right[:-1]) - float(left[:-1]))
    said = [element("title", title)] if title else []
    return element("rect", *said, class_=class_, x=left, width=width, height=_text(height))


def _text(number: int | None) -> str | None:
    return None if number is None else str(number)


def upright(scale: Scale, value: float, class_: str, *, top: str, bottom: str) -> Markup:
    """Return a line from top to bottom at the value."""
    place = scale.at(value)
    return element("line", class_=class_, x1=place, x2=place, y1=top, y2=bottom)


def whisker(scale: Scale, ends: tuple[float, float], *, y: int, reach: int = 4) -> Markup:
    """Return an interval: a line between its ends, and a cap at each."""
    left, right = (scale.at(each) for each in sorted(ends))
    top, bottom = str(y - reach), str(y + reach)
    lines = ((left, right, str(y), str(y)), (left, left, top, bottom), (right, right, top, bottom))
    return element(
        "g", *(element("line", x1=x1, x2=x2, y1=y1, y2=y2) for x1, x2, y1, y2 in lines), class_="whisker"
    )


def dot(scale: Scale, value: float, class_: str, *, y: int, radius: str) -> Markup:
    """Return a dot at the value."""
    return element("circle", class_=class_, cx=scale.at(value), cy=str(y), r=radius)
