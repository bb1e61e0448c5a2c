"""What a person at the live view has chosen, and what each key makes of it. Pure: no terminal, no clock.

A key has a name: a character for itself, else one of "up", "down", "page-up", "page-down", "home", "end",
"enter", "escape", "backspace", "interrupt". A key without a meaning changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar, get_args

from msgspec import Struct
from msgspec.structs import replace

from memcollect.live.frame import SORTS
from memcollect.live.model import Sort
from memcollect.live.rows import Row

Grouping = Literal["none", "node", "namespace"]
ColumnSet = Literal["all", "parts", "limits"]
Place = Literal["table", "pod", "help"]
T = TypeVar("T")

MAX_NEEDLE = 60
"""Longer than any name that is typed by hand, and short enough for one line."""


class View(Struct, frozen=True, kw_only=True):
    """What is chosen."""

    sort: Sort = "working-set"
    reverse: bool = False
    needle: str = ""
    """Only pods are shown whose name, namespace or node holds this text, whatever its case."""
    typing: bool = False
    """Whether keys go into `needle`."""
    grouping: Grouping = "none"
    columns: ColumnSet = "all"
    paused: bool = False
    selected: str = ""
    """A pod's UID; "" is whichever comes first."""
    offset: int = 0
    """How many lines of the table are above the screen."""
    place: Place = "table"
    opened: str = ""
    """The UID of the pod whose page is open."""
    asked: int = 0
    """How often a pod's page was asked for: another number, another question."""
    scroll: int = 0
    """How many lines of the page are above the screen."""
    over: bool = False
    """Whether it is to end."""


class Scene(Struct, frozen=True, kw_only=True):
    """What is on the screen now, as far as keys depend on it."""

    uids: Sequence[str] = ()
    """The pods in the order of their rows, those above and below the screen among them."""
    rows: int = 1
    """How many rows a page holds."""
    last_scroll: int = 0
    """How far the open page can be scrolled."""
    page_lines: int = 1


Action = Callable[[View, Scene], View]


def pressed(view: View, key: str, scene: Scene) -> View:
    """Return the view after a key."""
    if key == "interrupt":
        return replace(view, over=True)
    if view.typing:
        return _typed(view, key)
    actions = _IN_TABLE if view.place == "table" else _IN_PAGE
    action = actions.get(key)
    return action(view, scene) if action is not None else view


def wanted(view: View, row: Row) -> bool:
    """Return whether the row is among those that are to be shown."""
    needle = view.needle.casefold()
    texts = (row.full_name, row.node or "")
    return not needle or any(needle in text.casefold() for text in texts)


def selected_index(view: View, uids: Sequence[str]) -> int:
    """Return which row is selected: the first where the selected pod is not among them."""
    return uids.index(view.selected) if view.selected in uids else 0


def _typed(view: View, key: str) -> View:
    if key == "enter":
        return replace(view, typing=False)
    if key == "escape":
        return replace(view, typing=False, needle="")
    if key == "backspace":
        return replace(view, needle=view.needle[:-1])
    if len(key) == 1 and key.isprintable():
        return replace(view, needle=(view.needle + key)[:MAX_NEEDLE], offset=0)
    return view


def _moved(rows: Callable[[Scene], int]) -> Action:
    def act(view: View, scene: Scene) -> View:
        if not scene.uids:
            return view
        index = selected_index(view, scene.uids) + rows(scene)
        return replace(view, selected=scene.uids[min(max(index, 0), len(scene.uids) - 1)])

    return act


def _scrolled(lines: Callable[[Scene], int]) -> Action:
    def act(view: View, scene: Scene) -> View:
        return replace(view, scroll=min(max(view.scroll + lines(scene), 0), scene.last_scroll))

    return act


def _next_sort(view: View, _scene: Scene) -> View:
    return replace(view, sort=_after(view.sort, SORTS), reverse=False, offset=0)


def _next_grouping(view: View, _scene: Scene) -> View:
    return replace(view, grouping=_after(view.grouping, get_args(Grouping)), offset=0)


def _next_columns(view: View, _scene: Scene) -> View:
    return replace(view, columns=_after(view.columns, get_args(ColumnSet)))


def _after(value: T, values: Sequence[T]) -> T:
    return values[(values.index(value) + 1) % len(values)]


def _open(view: View, scene: Scene) -> View:
    if not scene.uids:
        return view
    uid = scene.uids[selected_index(view, scene.uids)]
    return replace(view, place="pod", opened=uid, asked=view.asked + 1, selected=uid, scroll=0)


def _again(view: View, _scene: Scene) -> View:
    return replace(view, asked=view.asked + 1) if view.place == "pod" else view


def _back(view: View, _scene: Scene) -> View:
    return replace(view, place="table", scroll=0)


def _escaped(view: View, _scene: Scene) -> View:
    """Undo what is in the way first; with nothing left, end."""
    if view.needle:
        return replace(view, needle="", offset=0)
    return replace(view, over=True)


def _changed(**fields: object) -> Action:
    return lambda view, _scene: replace(view, **fields)


_QUIT: Mapping[str, Action] = dict.fromkeys("qQ", _changed(over=True))
_IN_TABLE: Mapping[str, Action] = {
    **_QUIT,
    **dict.fromkeys(("up", "k"), _moved(lambda _: -1)),
    **dict.fromkeys(("down", "j"), _moved(lambda _: 1)),
    "page-up": _moved(lambda scene: -scene.rows),
    "page-down": _moved(lambda scene: scene.rows),
    **dict.fromkeys(("home", "<"), _moved(lambda scene: -len(scene.uids))),
    **dict.fromkeys(("end", ">"), _moved(lambda scene: len(scene.uids))),
    "enter": _open,
    "/": _changed(typing=True),
    "escape": _escaped,
    "s": _next_sort,
    "r": lambda view, _scene: replace(view, reverse=not view.reverse, offset=0),
    "g": _next_grouping,
    "c": _next_columns,
    **dict.fromkeys(("p", " "), lambda view, _scene: replace(view, paused=not view.paused)),
    **dict.fromkeys(("?", "h"), _changed(place="help", scroll=0)),
}
_IN_PAGE: Mapping[str, Action] = {
    **dict.fromkeys(("q", "Q", "escape", "backspace", "left"), _back),
    **dict.fromkeys(("up", "k"), _scrolled(lambda _: -1)),
    **dict.fromkeys(("down", "j"), _scrolled(lambda _: 1)),
    "page-up": _scrolled(lambda scene: -scene.page_lines),
    **dict.fromkeys(("page-down", " "), _scrolled(lambda scene: scene.page_lines)),
    **dict.fromkeys(("home", "<"), _scrolled(lambda scene: -scene.last_scroll)),
    **dict.fromkeys(("end", ">"), _scrolled(lambda scene: scene.last_scroll)),
    "r": _again,
    **dict.fromkeys(("?", "h"), _changed(place="help", scroll=0)),
}

HELP: Sequence[tuple[str, str]] = (
    ("↑ ↓  j k", "select a pod; Page Up, Page Down, Home and End go further"),
    ("Enter", "open the selected pod in full: verdict, working set, ladder, processes"),
    ("/", "filter by a part of the name, the namespace or the node; Esc clears the filter"),
    ("s", "sort by the next of: working set, growth, share of the limit, name"),
    ("r", "reverse the order; on a pod's page: read it again"),
    ("g", "group by node, then by namespace, then not at all"),
    ("c", "choose columns: all that fit, the parts of the working set, limits and kubectl top"),
    ("p  Space", "pause: the numbers stand still, and the agents are still asked"),
    ("?  h", "this help"),
    ("q  Esc", "leave this page; from the table, end (Ctrl-C ends it anywhere)"),
)
"""The keys and what each does, in the order in which a beginner needs them."""
