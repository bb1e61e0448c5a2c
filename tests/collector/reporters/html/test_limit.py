import msgspec
from hypothesis import given
from hypothesis import strategies as st

from memcollect.reporters.html.limit import limit_cell, limit_part
from memcollect.reporters.html.markup import joined
from memcollect.reporters.room import Room
from worlds import html_pages

MIB = 1 << 20
ROOM = Room(
    kept_bytes=300 * MIB,
    droppable_bytes=100 * MIB,
    left_out_bytes=50 * MIB,
    beside_bytes=50 * MIB,
    free_bytes=500 * MIB,
    limit_bytes=1000 * MIB,
)
BYTES = st.integers(0, 1 << 40)


def _bars(text: str) -> list[tuple[str, float, float]]:
    bars = html_pages.parse(text).all_of("rect")
    return [(each["class"], float(each["x"][:-1]), float(each["width"][:-1])) for each in bars]


def test_the_bar_is_to_scale_with_the_limit_and_what_is_held_comes_first() -> None:
    assert _bars(limit_cell(ROOM)) == [
        ("held", 0, 30),
        ("held", 30, 5),
        ("loose", 35, 10),
        ("loose", 45, 5),
    ]


def test_the_cell_says_the_share_that_is_held_and_the_picture_what_can_be_dropped() -> None:
    page = html_pages.parse(limit_cell(ROOM))
    assert page.text == "35 %"
    assert page.all_of("svg")[0]["aria-label"] == "35 % of the limit is held, 15 % can be dropped"


def test_a_pods_section_has_every_part_in_words() -> None:
    text = html_pages.parse(joined(limit_part(ROOM))).text
    assert text == (
        "Charged to it, of its limit of 1000.0 MiB 300.0 MiB held 50.0 MiB beside its containers "
        "100.0 MiB can be dropped 50.0 MiB goes first, in no working set 500.0 MiB free"
    )


def test_the_pods_own_limit_is_called_so_where_its_containers_may_have_others() -> None:
    text = joined(limit_part(msgspec.structs.replace(ROOM, is_pods_alone=True)))
    assert "of its pod limit of 1000.0 MiB" in text


def test_without_a_limit_there_is_no_bar() -> None:
    unlimited = msgspec.structs.replace(ROOM, limit_bytes=None, is_unlimited=True)
    assert [limit_cell(None), limit_cell(unlimited), *limit_part(unlimited)] == ["", ""]


@given(st.tuples(BYTES, BYTES, BYTES, BYTES), BYTES)
def test_no_bar_reaches_beyond_the_limit(parts: tuple[int, int, int, int], free: int) -> None:
    kept, droppable, left_out, beside = parts
    room = Room(
        kept_bytes=kept,
        droppable_bytes=droppable,
        left_out_bytes=left_out,
        beside_bytes=beside,
        free_bytes=free,
        limit_bytes=sum(parts) + free,
    )
    end = 0.0
    for _, start, width in _bars(limit_cell(room)):
        assert abs(start - end) < 0.02
        end = start + width
    assert end < 100.02
