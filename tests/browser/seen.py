"""What the browser saw, as look.mjs writes it."""

from msgspec import Struct


class Look(Struct):
    """A page at one width, in one colour scheme."""

    page: str
    width: int
    scheme: str
    too_wide: int
    """Pixels by which it must be moved sideways."""
    violations: list[str] | None
    """axe-core's; None where it was not asked."""
    faults: list[str]
    """Errors of scripts, refusals of the policy, requests to anywhere."""


class Sorted(Struct):
    """Each column's cells after one press on its heading, and after two."""

    orders: dict[str, tuple[list[str], list[str]]]
    sorted: list[str]
    faults: list[str]


class Details(Struct):
    """Of each table of one pod: what it is called, and each column's cells after one press on its heading."""

    tables: list[tuple[str, dict[str, list[str]]]]
    faults: list[str]


class Filtered(Struct):
    """After words were typed, and after a link to a pod that they hide."""

    rows: list[str]
    told: str
    sections: int
    after_link: int
    field: str
    faults: list[str]


class Unscripted(Struct):
    """In a browser that runs no scripts."""

    rows: list[str]
    buttons: int
    faults: list[str]


class Injected(Struct):
    """A page into which somebody got a script of theirs."""

    foreign: str
    buttons: int
    faults: list[str]


class Printed(Struct):
    """On paper."""

    filter: bool
    details: list[float]
    """The height of each pod's details."""
    bytes: int
    faults: list[str]


class Waterfall(Struct):
    """On a telephone: width and height of each row's picture."""

    pictures: list[tuple[float, float]]
    faults: list[str]


class Uses(Struct):
    """What was done with the pages."""

    sorted: Sorted
    details: Details
    filtered: Filtered
    unscripted: Unscripted
    injected: Injected
    printed: Printed
    waterfall: Waterfall


class Seen(Struct):
    """All of it."""

    version: str
    looks: list[Look]
    uses: Uses
