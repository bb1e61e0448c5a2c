from hypothesis import given
from hypothesis import strategies as st

from memcollect.accounting.private import CUT_BYTES, private_memory, taken_apart
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


@given(st.lists(st.tuples(AMOUNT, AMOUNT, AMOUNT).map(sorted), min_size=1))
def test_a_true_number_is_never_outside_of_its_part(ranges: list[list[int]]) -> None:
    parts = [part(f"{number}", low, high) for number, (low, _, high) in enumerate(ranges)]
    told = taken_apart(1, mapped(sum(true for _, true, _ in ranges), *parts))
    assert told.residual is not None
    assert told.residual.estimate_bytes == 0
    by_kind = {each.kind: each for each in told.parts}
    for number, (_, true, _) in enumerate(ranges):
        assert by_kind[str(number)].low_bytes <= true <= by_kind[str(number)].high_bytes


def test_a_single_open_part_is_what_the_others_leave() -> None:
    told = taken_apart(1, mapped(10 * MIB, part("heap", 8 * MIB), part("file", 0, 6 * MIB)))
    file = told.parts[1]
    assert (file.kind, file.low_bytes, file.estimate_bytes) == ("file", 2 * MIB, 2 * MIB)
    assert (file.high_bytes, file.confidence) == (2 * MIB + CUT_BYTES, "bounded")


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
