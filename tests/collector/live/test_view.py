"""What keys do to the live view: one at a time, and any of them in any order."""

from hypothesis import given, settings
from hypothesis import strategies as st

from memcollect.live.frame import SORTS
from memcollect.live.view import HELP, MAX_NEEDLE, Scene, View, pressed, selected_index, wanted
from worlds.live_builders import row

UIDS = tuple(f"uid-{number}" for number in range(30))
SCENE = Scene(uids=UIDS, rows=10, last_scroll=40, page_lines=20)
KEYS = [*"qQjk/srgcp ?h<>xé", "up", "down", "left", "right", "page-up", "page-down"]
KEYS += ["home", "end", "enter", "escape", "backspace", "interrupt"]


def _after(*keys: str, view: View | None = None, scene: Scene = SCENE) -> View:
    view = view or View()
    for key in keys:
        view = pressed(view, key, scene)
    return view


def test_arrows_select_and_stop_at_the_ends() -> None:
    assert _after("down", "j").selected == "uid-2"
    assert _after("down", "up", "k").selected == "uid-0"
    assert _after("end", "down").selected == "uid-29"
    assert _after("page-down").selected == "uid-10"
    assert _after("end", "page-up", "page-up", "page-up").selected == "uid-0"


def test_the_selection_stays_with_its_pod_when_the_order_changes() -> None:
    view = _after("down", "down")
    turned = Scene(uids=UIDS[::-1], rows=10)
    assert selected_index(view, turned.uids) == 27
    assert pressed(view, "down", turned).selected == "uid-1"


def test_a_selected_pod_that_is_gone_leaves_the_first_one() -> None:
    assert selected_index(View(selected="gone"), UIDS) == 0


def test_s_goes_through_all_orders_and_r_turns_one_round() -> None:
    seen = [_after(*["s"] * times).sort for times in range(len(SORTS) + 1)]
    assert seen == [*SORTS, SORTS[0]]
    assert _after("r").reverse
    assert not _after("r", "s").reverse


def test_what_is_typed_after_a_slash_is_a_filter_and_no_command() -> None:
    view = _after("/", *"qsx", "backspace")
    assert (view.needle, view.typing, view.over) == ("qs", True, False)
    assert _after("enter", view=view).needle == "qs"
    assert not _after("enter", view=view).typing
    assert _after("escape", view=view) == View()


def test_escape_undoes_the_filter_first_and_ends_it_then() -> None:
    view = _after("/", "a", "enter", "escape")
    assert (view.needle, view.over) == ("", False)
    assert _after("escape", view=view).over


def test_ctrl_c_ends_it_anywhere() -> None:
    for way in ((), ("/",), ("enter",), ("?",)):
        assert _after(*way, "interrupt").over


def test_enter_opens_the_selected_pod_and_q_goes_back_to_the_table() -> None:
    view = _after("down", "enter")
    assert (view.place, view.opened, view.asked) == ("pod", "uid-1", 1)
    assert _after("r", view=view).asked == 2
    back = _after("q", view=view)
    assert (back.place, back.selected, back.over) == ("table", "uid-1", False)


def test_nothing_opens_where_there_is_no_pod() -> None:
    assert _after("enter", "down", scene=Scene()) == View()


def test_a_page_scrolls_to_its_end_and_no_further() -> None:
    assert _after("enter", "page-down", "down").scroll == 21
    assert _after("enter", "end", "down").scroll == 40
    assert _after("enter", "up").scroll == 0


def test_the_filter_looks_at_name_namespace_and_node_whatever_the_case() -> None:
    pod = row("Sandbox-A", namespace="deer-flow", node="node-7")
    assert all(wanted(View(needle=needle), pod) for needle in ("", "box-a", "DEER", "node-7", "flow/sand"))
    assert not wanted(View(needle="other"), pod)


def test_every_command_is_in_the_help() -> None:
    told = " ".join(keys for keys, _ in HELP)
    assert all(key in told for key in "/srgcp?hqjk")


@settings(derandomize=True, max_examples=300)
@given(st.lists(st.sampled_from(KEYS), max_size=80), st.integers(0, 30), st.integers(0, 50))
def test_any_keys_leave_a_view_that_can_be_shown(keys: list[str], pods: int, last_scroll: int) -> None:
    scene = Scene(uids=UIDS[:pods], rows=7, last_scroll=last_scroll, page_lines=5)
    view = View()
    for key in keys:
        view = pressed(view, key, scene)
        assert 0 <= view.scroll <= last_scroll
        assert view.selected == "" or view.selected in scene.uids
        assert len(view.needle) <= MAX_NEEDLE
        assert view.place != "pod" or view.opened in scene.uids
