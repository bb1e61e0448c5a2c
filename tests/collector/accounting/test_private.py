import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.accounting.private import CUT_BYTES, UNREAD, private_memory, taken_apart
from memcollect_agent.wire import MappedPart, Process, ProcessMappings

MIB = 1 << 20
AMOUNT = st.integers(0, 1 << 30)
PARTS = st.lists(
    st.builds(
        MappedPart,
        kind=st.sampled_from(["heap", "file", "arena", "large"]),
        anon_low_bytes=AMOUNT,
        anon_high_bytes=AMOUNT,
    )
)
MAPPED = st.builds(
    ProcessMappings,
    parts=PARTS,
    pss_anon_bytes=AMOUNT,
    pss_anon_before_bytes=st.none() | AMOUNT,
    missing=st.sampled_from(["", "cut"]),
)


def part(kind: str, low: int, high: int | None = None) -> MappedPart:
    return MappedPart(kind=kind, anon_low_bytes=low, anon_high_bytes=low if high is None else high)


def mapped(whole: int, *parts: MappedPart, before: int | None = None) -> ProcessMappings:
    earlier = whole if before is None else before
    return ProcessMappings(parts=list(parts), pss_anon_bytes=whole, pss_anon_before_bytes=earlier)


@given(MAPPED)
def test_parts_and_residual_always_come_to_the_whole(of_process: ProcessMappings) -> None:
    told = taken_apart(1, of_process)
    assert told.residual is not None
    assert told.whole_bytes == of_process.pss_anon_bytes
    assert sum(each.estimate_bytes for each in told.parts) + told.residual.estimate_bytes == told.whole_bytes
    assert all(each.low_bytes <= each.estimate_bytes <= each.high_bytes for each in told.parts)
    assert told.residual.low_bytes <= told.residual.estimate_bytes <= told.residual.high_bytes


@given(
    st.lists(st.tuples(AMOUNT, AMOUNT, AMOUNT).map(sorted), min_size=1),
    st.integers(0, CUT_BYTES),
    AMOUNT,
    st.integers(-(1 << 30), 1 << 30),
)
def test_a_true_number_is_never_outside_of_its_part(
    ranges: list[list[int]], cut: int, unread: int, moved: int
) -> None:
    """The kernel cuts Pss_Anon; some mappings may be unread, and some memory come or go meanwhile."""
    parts = [part(f"{number}", low, high) for number, (low, _, high) in enumerate(ranges)]
    true_bytes = [true for _, true, _ in ranges]
    whole = max(0, sum(true_bytes) + unread + moved - cut)
    reading = mapped(whole, *parts, before=max(0, whole - moved))
    told = taken_apart(1, msgspec.structs.replace(reading, missing="cut" if unread else ""))
    assert told.residual is not None
    assert told.residual.low_bytes <= whole - sum(true_bytes) <= told.residual.high_bytes
    assert told.residual.within_bound
    by_name = {each.kind: each for each in told.parts}
    for number, true in enumerate(true_bytes):
        assert by_name[str(number)].low_bytes <= true <= by_name[str(number)].high_bytes


@pytest.mark.parametrize("beyond", [CUT_BYTES + 1, MIB])
def test_parts_of_more_or_less_than_there_is_are_a_hole_and_stay_as_they_were_read(beyond: int) -> None:
    for low, high in [(2 * MIB + beyond, 4 * MIB), (0, 2 * MIB - beyond)]:
        told = taken_apart(1, mapped(2 * MIB, part("heap", low, high)))
        assert told.residual is not None
        assert (abs(told.residual.estimate_bytes), told.residual.within_bound) == (beyond, False)
        assert (told.parts[0].low_bytes, told.parts[0].high_bytes) == (low, high)


def test_what_the_cut_to_kib_may_be_is_no_hole() -> None:
    told = taken_apart(1, mapped(2 * MIB, part("heap", 2 * MIB + CUT_BYTES)))
    assert told.residual is not None
    assert (told.residual.estimate_bytes, told.residual.within_bound) == (-CUT_BYTES, True)


def test_what_is_known_of_a_mapping_is_told_of_its_part() -> None:
    read = MappedPart(
        kind="large", name="x", mappings=2, size_bytes=9, swap_pss_bytes=3, huge_bytes=4, ksm_bytes=5
    )
    (told,) = taken_apart(1, mapped(0, read)).parts
    for name in ("kind", "name", "mappings", "size_bytes", "swap_pss_bytes", "huge_bytes", "ksm_bytes"):
        assert getattr(told, name) == getattr(read, name)


def test_a_list_of_mappings_that_was_cut_says_so_and_leaves_what_it_lacks_open() -> None:
    cut = msgspec.structs.replace(mapped(3 * MIB, part("heap", MIB)), missing="too many")
    told = taken_apart(1, cut)
    assert told.residual is not None
    assert (told.missing, told.residual.within_bound) == ("too many", True)
    assert told.residual.bound_reason.startswith(UNREAD)
    assert taken_apart(1, ProcessMappings()).missing == "this kernel tells no Pss_Anon"


def test_a_single_open_part_is_what_the_others_leave() -> None:
    told = taken_apart(1, mapped(10 * MIB, part("heap", 8 * MIB), part("file", 0, 6 * MIB)))
    file = told.parts[1]
    assert (file.kind, file.low_bytes, file.estimate_bytes) == ("file", 2 * MIB, 2 * MIB)
    assert (file.high_bytes, file.confidence) == (2 * MIB + CUT_BYTES, "bounded")


def test_an_open_part_is_between_what_the_others_leave_at_most_and_at_least() -> None:
    told = taken_apart(1, mapped(10 * MIB, part("heap", 2 * MIB, 8 * MIB), part("file", MIB, 5 * MIB)))
    assert {each.kind: (each.low_bytes, each.high_bytes) for each in told.parts} == {
        "heap": (5 * MIB, 8 * MIB),
        "file": (2 * MIB, 5 * MIB),
    }
    told = taken_apart(1, mapped(10 * MIB, part("heap", 2 * MIB, 90 * MIB), part("file", MIB, 90 * MIB)))
    assert {each.kind: (each.low_bytes, each.high_bytes) for each in told.parts} == {
        "heap": (2 * MIB, 9 * MIB + CUT_BYTES),
        "file": (MIB, 8 * MIB + CUT_BYTES),
    }


def test_what_moved_between_two_readings_bounds_the_residual() -> None:
    told = taken_apart(1, mapped(10 * MIB, part("heap", 8 * MIB), before=8 * MIB))
    assert told.residual is not None
    assert (told.residual.estimate_bytes, told.residual.within_bound) == (2 * MIB, True)
    told = taken_apart(1, mapped(10 * MIB, part("heap", 8 * MIB)))
    assert told.residual is not None
    assert (told.residual.estimate_bytes, told.residual.within_bound) == (2 * MIB, False)


def test_what_is_told_by_its_shape_is_called_inferred() -> None:
    told = taken_apart(1, mapped(3 * MIB, part("arena", 2 * MIB), part("heap", MIB)))
    assert [(each.kind, each.confidence) for each in told.parts] == [
        ("arena", "inferred"),
        ("heap", "measured"),
    ]


def test_a_process_whose_mappings_were_not_read_says_why() -> None:
    listed = [
        Process(pid=1, ppid=0, start_time=0, mapped=ProcessMappings(missing="too late")),
        Process(pid=2, ppid=0, start_time=0),
    ]
    (told,) = private_memory(listed)
    assert (told.pid, told.whole_bytes, told.parts, told.missing) == (1, None, [], "too late")
