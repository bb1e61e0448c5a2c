"""Every page in a real browser: at the widths of telephones and desks, light and dark, used and printed."""

import pytest

from browser.pages import SIZES
from browser.seen import Seen

pytestmark = pytest.mark.browser
WIDTHS, SCHEMES = (320, 800, 1280), ("light", "dark")
PAGES = ("pods", "pod", "details", "hostile", "node", "compared")
BY_SIZE = sorted(SIZES, key=lambda name: -SIZES[name])


def test_every_page_was_opened_at_every_width_light_and_dark(seen: Seen) -> None:
    assert {(each.page, each.width, each.scheme) for each in seen.looks} == {
        (f"{page}.html", width, scheme) for page in PAGES for width in WIDTHS for scheme in SCHEMES
    }


def test_nothing_is_asked_for_and_nothing_goes_wrong(seen: Seen) -> None:
    assert {(each.page, fault) for each in seen.looks for fault in each.faults} == set()


def test_no_page_must_be_moved_sideways(seen: Seen) -> None:
    assert [(each.page, each.width, each.too_wide) for each in seen.looks if each.too_wide > 0] == []


def test_axe_core_finds_no_violation_in_contrast_or_anything_else(seen: Seen) -> None:
    checked = {(each.page, each.width, each.scheme) for each in seen.looks if each.violations is not None}
    assert checked == {(f"{page}.html", *how) for page in PAGES for how in ((320, "light"), (1280, "dark"))}
    found = {(each.page, each.scheme, fault) for each in seen.looks for fault in each.violations or []}
    assert found == set()


def test_a_press_on_a_heading_sorts_by_it_and_another_turns_the_order_round(seen: Seen) -> None:
    sizes, reverse = seen.uses.sorted.orders["Working set"]
    measured = [f"{SIZES[name]}.0 MiB" for name in BY_SIZE]
    assert sizes == [*measured, "1.0 MiB", "?"]
    assert reverse == ["1.0 MiB", *reversed(measured), "?"]


def test_names_are_sorted_as_people_count(seen: Seen) -> None:
    names, reverse = seen.uses.sorted.orders["Pod"]
    known = sorted((*SIZES, "small", "bare"), key=len, reverse=True)
    order = [next(name for name in known if cell.startswith(f"deer-flow/{name}")) for cell in names]
    assert order == ["bare", "pod-1", "pod-2", "pod-4", "pod-5", "pod-6", "pod-7", "pod-10", "small"]
    assert reverse == names[::-1]


def test_no_limit_is_more_than_any_and_what_is_not_known_is_last(seen: Seen) -> None:
    limits, reverse = seen.uses.sorted.orders["Limit"]
    assert limits == ["none", *["2048.0 MiB"] * 7, "?"]
    assert reverse == [*["2048.0 MiB"] * 7, "none", "?"]
    held, _ = seen.uses.sorted.orders["Held of limit"]
    assert held[0].strip() == "49 %"
    assert held[-2:] == ["", ""]


def test_only_the_heading_that_was_pressed_last_says_that_it_is_sorted_by(seen: Seen) -> None:
    assert seen.uses.sorted.sorted == ["Residual"]
    assert seen.uses.sorted.faults == []


def test_each_table_of_one_pod_is_sorted_by_what_is_pressed(seen: Seen) -> None:
    tables = dict(seen.uses.details.tables)
    assert list(tables) == ["Files", "Processes"]
    assert list(tables["Files"]) == ["In memory", "File", "What it is"]
    assert tables["Files"]["In memory"] == ["≥ 312.0 MiB", "≥ 64.0 MiB", "≥ 2.0 MiB"]
    assert tables["Files"]["File"] == ["/opt/a.bin", "/opt/b2.bin", "/opt/b10.bin"]
    assert tables["Processes"]["PID"] == ["4800", "4711"]
    assert tables["Processes"]["PSS"] == ["310.0 MiB", "?"]
    assert seen.uses.details.faults == []


def test_the_filter_leaves_the_pods_that_have_all_its_words_with_their_details(seen: Seen) -> None:
    filtered = seen.uses.filtered
    assert filtered.rows == ["deer-flow/small"]
    assert filtered.told == "1 of 9 shown"
    assert filtered.sections == 1


def test_a_link_to_a_pod_that_the_filter_hides_shows_all_again(seen: Seen) -> None:
    assert (seen.uses.filtered.after_link, seen.uses.filtered.field) == (9, "")


def test_without_scripts_the_page_is_whole_and_has_nothing_that_does_not_work(seen: Seen) -> None:
    rows = [f"deer-flow/{name}" for name in (*BY_SIZE, "small", "bare")]
    assert (seen.uses.unscripted.rows, seen.uses.unscripted.buttons) == (rows, 0)


def test_a_script_that_is_not_ours_does_not_run_and_ours_still_does(seen: Seen) -> None:
    assert seen.uses.injected.foreign == "did not run"
    assert seen.uses.injected.buttons == 10
    assert any("Content Security Policy" in fault for fault in seen.uses.injected.faults)


def test_on_paper_all_is_unfolded_and_the_filter_is_gone(seen: Seen) -> None:
    printed = seen.uses.printed
    assert not printed.filter
    assert len(printed.details) == 9
    assert min(printed.details) > 100
    assert printed.bytes > 10_000


def test_on_a_telephone_the_waterfall_has_the_pages_width(seen: Seen) -> None:
    pictures = seen.uses.waterfall.pictures
    assert len(pictures) > 10
    assert min(width for width, _ in pictures) > 350
    assert min(height for _, height in pictures) >= 18
