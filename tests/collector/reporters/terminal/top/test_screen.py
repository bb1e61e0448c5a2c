"""The live view as it is used: what is on the screen for each choice, and that it always fits."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len
from rich.text import Text

from memcollect.documents.snapshot import Missing
from memcollect.live.frame import frame_of
from memcollect.live.model import World
from memcollect.live.rows import Use
from memcollect.live.view import HELP, View, wanted
from memcollect.reporters.terminal.top.screen import Screen, help_lines, page_screen, table_screen
from worlds.live_builders import MIB, growth, row, view
from worlds.sample_snapshots import HOSTILE

MANY = World(
    nodes={
        "node-1": view(
            *(
                row(f"sandbox-{n:02}", (100 - n) * MIB, node=f"node-{n % 3}", growth=growth(0))
                for n in range(60)
            )
        )
    }
)


def _screen(world: World, chosen: View, width: int = 150, height: int = 24) -> Screen:
    frame = frame_of(
        world, 105.0, 10.0, chosen.sort, keep=lambda each: wanted(chosen, each), reverse=chosen.reverse
    )
    return table_screen(frame, chosen, "every 5 s, 12:00:00", width, height)


def _text(screen: Screen) -> str:
    return "".join(f"{line.plain.rstrip()}\n" for line in screen.lines)


def _selected(screen: Screen) -> list[str]:
    return [line.plain.split()[0] for line in screen.lines if str(line.style) == "reverse"]


def test_the_selected_pod_is_on_the_screen_wherever_it_is_in_the_list() -> None:
    for uid in _screen(MANY, View()).scene.uids:
        assert _selected(_screen(MANY, View(selected=uid))) == [uid.removeprefix("uid-")]


def test_the_window_moves_no_further_than_it_must() -> None:
    down = _screen(MANY, View(selected="uid-sandbox-30"))
    assert down.offset > 0
    next_one = _screen(MANY, View(selected="uid-sandbox-29", offset=down.offset))
    assert next_one.offset == down.offset
    assert _screen(MANY, View(selected="uid-sandbox-00", offset=down.offset)).offset == 0


def test_a_filter_says_how_many_it_leaves_and_sums_only_those() -> None:
    text = _text(_screen(MANY, View(needle="sandbox-0")))
    assert "/sandbox-0  10 of 60 pods, Esc shows all" in text
    assert re.search(r"^10 pods +955Mi", text, re.MULTILINE)


def test_a_filter_that_is_being_typed_tells_its_keys() -> None:
    assert "/sand▏  Enter keeps it, Esc clears it" in _text(_screen(MANY, View(needle="sand", typing=True)))


def test_groups_have_a_line_with_their_sum() -> None:
    text = _text(_screen(MANY, View(grouping="node"), height=80))
    assert re.search(r"^node-0: 20 pods +\d", text, re.MULTILINE)
    assert text.index("node-0: 20 pods") < text.index("node-1: 20 pods")


def test_column_sets_choose_what_stands_beside_the_names() -> None:
    assert "ANON" in _text(_screen(MANY, View(columns="parts")))
    assert "LIMIT" not in _text(_screen(MANY, View(columns="parts")))
    limits = _text(_screen(MANY, View(columns="limits"), width=100))
    assert "LIMIT" in limits
    assert "ANON" not in limits


def test_growth_and_a_near_limit_are_coloured_where_they_stand() -> None:
    near = Use(current_bytes=80 * MIB, limit=100 * MIB)
    world = World(nodes={"n": view(row("a", growth=growth(20 * MIB), use=near), row("b"))})
    (_, line) = [
        each for each in _screen(world, View(selected="uid-b")).lines if each.plain.startswith(("a", "b "))
    ]
    line = next(each for each in _screen(world, View(selected="uid-b")).lines if each.plain.startswith("a "))
    coloured = {
        line.plain[span.start : span.end].strip(): str(span.style) for span in line.spans if span.style
    }
    assert coloured == {"+20.0Mi": "red", "80%": "yellow"}


def test_a_paused_view_says_so_and_how_to_go_on() -> None:
    assert "PAUSED (p goes on)" in _text(_screen(MANY, View(paused=True)))


def test_reversed_the_unknown_are_still_last() -> None:
    world = World(nodes={"n": view(row("big", 9 * MIB), row("none", None), row("small", MIB))})
    screen = _screen(world, View(reverse=True))
    assert [uid.removeprefix("uid-") for uid in screen.scene.uids] == ["small", "big", "none"]


@settings(derandomize=True, deadline=None, max_examples=80)
@given(
    st.integers(1, 200),
    st.integers(1, 60),
    st.lists(st.text(min_size=1), max_size=12),
    st.builds(
        View,
        grouping=st.sampled_from(["none", "node", "namespace"]),
        columns=st.sampled_from(["all", "parts", "limits"]),
        needle=st.text(max_size=5),
    ),
)
def test_any_names_and_choices_fit_any_terminal(
    width: int, height: int, names: list[str], chosen: View
) -> None:
    world = World(nodes={"node-1": view(*(row(name, growth=growth(0)) for name in names))})
    lines = [line.plain for line in _screen(world, chosen, width, height).lines]
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)
    assert not any("\n" in line for line in lines)


def test_hostile_names_are_text_in_groups_and_titles_too() -> None:
    world = World(nodes={"n": view(row(HOSTILE, namespace=HOSTILE, node=HOSTILE), row("x"))})
    for grouping in ("node", "namespace"):
        text = _text(_screen(world, replace(View(), grouping=grouping), 140))
        assert "\x1b" not in text
        assert "\u202e" not in text
    page = page_screen(HOSTILE, [], View(), (), (140, 10))
    assert "\x1b" not in page.lines[0].plain


def test_a_page_shows_its_window_and_how_far_it_is() -> None:
    page = [Text(f"line {n}") for n in range(100)]
    screen = page_screen("deer-flow/a", page, View(scroll=10), ("uid",), (80, 12))
    assert len(screen.lines) == 12
    assert "20 of 100 lines" in screen.lines[0].plain
    assert screen.lines[1].plain == "line 10"
    assert screen.scene.last_scroll == 90


def test_a_short_page_has_nothing_to_scroll() -> None:
    screen = page_screen("a", [Text("all")], View(), (), (80, 24))
    assert screen.scene.last_scroll == 0
    assert len(screen.lines) == 24


@pytest.mark.parametrize("width", [20, 80, 200])
def test_the_help_names_every_key_and_fits(width: int) -> None:
    lines = [line.plain for line in help_lines(width)]
    assert max(map(cell_len, lines)) <= width
    if width >= 80:
        assert all(keys.strip() in "\n".join(lines) for keys, _ in HELP)


def test_notes_leave_room_for_pods() -> None:
    problems = tuple(
        Missing(kind="pod", name=f"p{n}", reason="gone", detail=f"it went {n}") for n in range(40)
    )
    world = World(nodes=MANY.nodes, problems=problems)
    text = _text(_screen(world, View()))
    assert "more lines: `--once` prints them all" in text
    assert text.count("\nsandbox-") >= 8
