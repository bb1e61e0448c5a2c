"""What is charged to a pod beside its limit: a bar whose whole width is the limit. Pure.

Its greys are no term's colours: it says how full, the other bar says of what.
"""

from __future__ import annotations

from collections.abc import Iterator

from memcollect.reporters.html.bars import LOW, TALL
from memcollect.reporters.html.markup import NOTHING, Markup, element, items, joined
from memcollect.reporters.html.shapes import Scale, bar, picture
from memcollect.reporters.room import PARTS, Room
from memcollect.reporters.sizes import share, size

CLASSES = {
    "kept_bytes": "held",
    "beside_bytes": "held",
    "droppable_bytes": "loose",
    "left_out_bytes": "loose",
    "free_bytes": "room",
}
ORDER = sorted(PARTS, key=list(CLASSES).index)
"""What is held comes first, so that its end says how near the limit is."""


def limit_cell(room: Room | None) -> Markup:
    """Return the share of its limit that a pod holds, and the bar; nothing where it has no limit."""
    if room is None or not room.limit_bytes:
        return NOTHING
    return joined([share(room.held_bytes, room.limit_bytes), _picture(room, LOW)])


def limit_part(room: Room | None) -> Iterator[Markup]:
    """Yield the bar of a pod's section, and what its parts are; nothing where it has no limit."""
    if room is None or not room.limit_bytes:
        return
    whose = "pod limit" if room.is_pods_alone else "limit"
    yield element("h3", f"Charged to it, of its {whose} of {size(room.limit_bytes)}")
    yield _picture(room, TALL)
    parts = [
        joined([element("i", class_=CLASSES[name]), f"{size(getattr(room, name))} {PARTS[name]}"])
        for name in ORDER
        if getattr(room, name)
    ]
    yield items(parts, class_="legend")


def _picture(room: Room, height: int) -> Markup:
    whole = room.whole_bytes
    scale, done, shapes = Scale(0, whole), 0, []
    for name in ORDER:
        start, done = done, done + getattr(room, name)
        if done > start and name != "free_bytes":
            shapes.append(bar(scale, (start, done), CLASSES[name], height=height))
    loose = room.droppable_bytes + room.left_out_bytes
    told = f"{share(room.held_bytes, whole)} of the limit is held, {share(loose, whole)} can be dropped"
    return picture(told, *shapes, height=height, class_="limit")
