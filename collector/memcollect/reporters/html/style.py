"""The page's only style, for paper and screens, light and dark, narrow and wide; nothing from outside."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources

from memcollect.reporters.html.colours import PALETTE

PAPER = {
    "paper": "#fff",
    "ink": "#1b1f24",
    "dim": "#57606a",
    "line": "#d0d7de",
    "soft": "#f6f8fa",
    "rung": "#8c959f",
    "link": "#0550ae",
    "bad": "#a40e26",
    "badly": "#ffebe9",
    "warn": "#7d4e00",
}
SCREEN = {
    "paper": "#0d1117",
    "ink": "#e6edf3",
    "dim": "#9aa4af",
    "line": "#30363d",
    "soft": "#161b22",
    "rung": "#6e7781",
    "link": "#79b8ff",
    "bad": "#ff8a80",
    "badly": "#3b1316",
    "warn": "#e3b341",
}
"""The same where a dark screen is preferred."""

SHEETS = ("page.css", "pictures.css", "narrow_and_paper.css")
"""In this folder, in the order of the page: what comes later goes before."""


def _variables(own: Mapping[str, str], colours: Mapping[str, str]) -> str:
    return ";".join(f"--{name}:{value}" for name, value in {**own, **colours}.items())


def _style() -> str:
    light = _variables(PAPER, {name: each.light for name, each in PALETTE.items()})
    dark = _variables(SCREEN, {name: each.dark for name, each in PALETTE.items()})
    carriers = "\n".join(f".{name}{{--c:var(--{name})}}" for name in PALETTE)
    folder = resources.files("memcollect.reporters.html")
    return "\n".join(
        [
            f":root{{color-scheme:light dark;{light}}}",
            f"@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}",
            carriers,
            *((folder / name).read_text(encoding="utf-8") for name in SHEETS),
        ]
    )


STYLE = _style()
