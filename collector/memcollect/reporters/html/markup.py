"""Elements of a page: the one place where text becomes HTML, so that nothing can be forgotten. Pure.

Whatever is not `Markup` already is escaped, as a child and as an attribute's value. Names of elements and
attributes are written in our code and never come from outside.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from memcollect.reporters.escape import html

VOID = frozenset({"meta", "rect", "line", "circle", "path"})
"""Elements of ours that may be empty, and are then closed as XML closes them."""
OWN_LINE = frozenset(
    {"details", "div", "h1", "h2", "h3", "h4", "head", "li", "meta", "p", "section", "summary", "svg"}
    | {"table", "tbody", "thead", "tr", "ul", "footer", "header", "main", "nav"}
)
"""Elements that a line ends after, so that a page can be read and compared as text."""


class Markup(str):
    """Text that is HTML and stays as it is."""

    __slots__ = ()


NOTHING = Markup("")


def element(name: str, *children: str, **attributes: str | None) -> Markup:
    """Return `<name attributes>children</name>`; an attribute of None is left out.

    Attributes are written as Python's names allow: `class_`, `aria_label`.
    """
    written = "".join(
        [f' {_spelled(key)}="{html(value)}"' for key, value in attributes.items() if value is not None]
    )
    end = "\n" if name in OWN_LINE else ""
    if name in VOID and not children:
        return Markup(f"<{name}{written}/>{end}")
    return Markup(f"<{name}{written}>{joined(children)}</{name}>{end}")


def joined(parts: Iterable[str]) -> Markup:
    """Return the parts one after the other, each escaped unless it is markup."""
    return Markup("".join([part if type(part) is Markup else html(part) for part in parts]))


@cache
def _spelled(key: str) -> str:
    """Return an attribute's name as HTML has it."""
    return key.rstrip("_").replace("_", "-")


def name_of(text: str) -> Markup:
    """Return a name from outside as it is shown: as code, apart from the direction of what stands beside."""
    return element("code", text)


def items(entries: Iterable[str], *, class_: str | None = None) -> Markup:
    """Return the entries as a list."""
    return element("ul", *(element("li", entry) for entry in entries), class_=class_)
