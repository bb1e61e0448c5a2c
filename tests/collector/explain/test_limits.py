import msgspec
import pytest

from memcollect.accounting.facts import Facts, MissingFactError, gather
from memcollect.explain.holder import PROCESSES
from memcollect.explain.limits import (
    LimitRule,
    full_of_cache,
    hit_inside,
    hit_limit,
    limit_rules,
    near_limit,
    protected,
    room_left,
)
from worlds.builders import MIB, NODE, QUIET_SUMS, idle_cgroup

FULL_STAT = {"anon": 90 * MIB, "inactive_anon": 90 * MIB, "file": 4 * MIB, "active_file": 2 * MIB}
"""With 2 MiB of inactive file and 1 MiB of file names: 90 of 95 MiB cannot be dropped."""
LIMITS: dict[str, int] = {
    "limit.max": 100 * MIB,
    "limit.high": 100 * MIB,
    "limit.min": 0,
    "limit.low": 0,
    "events.max": 3,
    "events.high": 1,
}


def known(without: str = "", stat: dict[str, int] | None = None, **changed: int) -> Facts:
    """Return the facts of a full cgroup, `__` standing for the dot; without that one."""
    counted = {**FULL_STAT, "inactive_file": 2 * MIB, "slab_reclaimable": MIB, "kernel": MIB, **(stat or {})}
    full = idle_cgroup(95 * MIB, **counted)
    lines = {key: value for key, value in (full.stat or {}).items() if f"stat.{key}" != without}
    current = None if without == "current" else full.current_bytes
    full = msgspec.structs.replace(full, stat=lines, current_bytes=current)
    values: dict[str, int] = {
        **LIMITS,
        **{name.replace("__", "."): value for name, value in changed.items()},
    }
    given = {name: value for name, value in values.items() if name != without}
    return gather(full, QUIET_SUMS, NODE).extended(given)


def rule(cause: str) -> LimitRule:
    return next(each for each in limit_rules(PROCESSES) if each.cause == cause)


@pytest.mark.parametrize(
    ("cause", "severity", "sentence"),
    [
        (
            "near_limit",
            "warning",
            "90 MiB of its limit of 100 MiB cannot be dropped: 10 MiB more ends in an OOM kill.",
        ),
        ("hit_limit", "notice", "The limit was hit 3 times and room had to be made."),
    ],
)
def test_a_state_is_told_in_one_sentence(cause: str, severity: str, sentence: str) -> None:
    finding = rule(cause).find(known(), "app")

    assert finding is not None
    assert (finding.cause, finding.scope, finding.severity) == (cause, "app", severity)
    assert finding.sentence == sentence


@pytest.mark.parametrize(
    ("cause", "missing"),
    [
        ("hit_limit", "events.max"),
        ("near_limit", "limit.max"),
        ("near_limit", "current"),
        ("near_limit", "stat.slab_reclaimable"),
        ("full_of_cache", "limit.max"),
        ("protected", "limit.min"),
        ("protected", "limit.low"),
    ],
)
def test_a_state_whose_file_is_missing_is_undecided_and_not_well(cause: str, missing: str) -> None:
    with pytest.raises(MissingFactError) as raised:
        rule(cause).find(known(missing), "app")
    assert raised.value.name == missing


def test_no_limit_is_never_near() -> None:
    assert near_limit(known("limit.max", unlimited__max=1)) is None
    assert full_of_cache(known("limit.max", unlimited__max=1)) is None


def test_cache_at_the_limit_is_no_danger() -> None:
    given = known(
        stat={"anon": 30 * MIB, "inactive_anon": 30 * MIB, "file": 62 * MIB, "inactive_file": 60 * MIB}
    )

    assert near_limit(given) is None
    told = full_of_cache(given)
    assert told is not None
    assert told[0].startswith("The charge is at 95 MiB of 100 MiB, but 63 MiB of it can be dropped.")


def test_tmpfs_and_locked_cache_at_the_limit_are_a_danger() -> None:
    """They are on neither file list, so nothing of them is dropped."""
    stat = {"anon": 10 * MIB, "inactive_anon": 50 * MIB, "file": 84 * MIB, "shmem": 40 * MIB}

    assert near_limit(known(stat={**stat, "unevictable": 40 * MIB})) is not None


def test_what_must_be_written_out_first_does_not_count_as_room_and_is_told() -> None:
    stat = {"anon": 10 * MIB, "inactive_anon": 10 * MIB, "file": 84 * MIB, "inactive_file": 82 * MIB}
    told = near_limit(known(stat={**stat, "file_dirty": 20 * MIB, "file_writeback": 61 * MIB}))

    assert told is not None
    assert "(81 MiB of it is page cache that must be written out first)" in told[0]


def test_with_swap_the_limit_leads_to_swapping_first() -> None:
    told = near_limit(known(node__swap_devices=1))
    assert told is not None
    assert told[0].endswith("ends in swapping, and an OOM kill when swap is full.")

    forbidden = near_limit(known(node__swap_devices=1, limit__swap=0))
    assert forbidden is not None
    assert forbidden[0].endswith("ends in an OOM kill.")


def test_a_peak_that_was_the_limit_is_told_even_where_the_counter_began_anew() -> None:
    assert hit_limit(known(peak=100 * MIB)) == (
        "The limit was hit 3 times and room had to be made; the peak was the limit, 100 MiB.",
        "max 3, memory.peak 104857600, memory.max 104857600",
    )
    anew = hit_limit(known(peak=100 * MIB, events__max=0))
    assert anew is not None
    assert anew[0] == "The peak was the limit, 100 MiB."
    assert hit_limit(known(peak=99 * MIB, events__max=0)) is None
    assert hit_limit(known(peak=150 * MIB, events__max=0)) is None, "the limit was lowered since"


def test_room_that_kernel_caches_would_have_to_give_is_told_as_the_most_there_can_be() -> None:
    stat = {"anon": 10 * MIB, "inactive_anon": 10 * MIB, "slab_reclaimable": 80 * MIB, "kernel": 80 * MIB}
    room = room_left(known(stat=stat))

    assert room is not None
    assert room.sentence == "5 MiB is left to its limit of 100 MiB, up to 89 MiB with what can be dropped."


def test_near_the_limit_with_what_is_not_written_the_remedy_is_the_disk() -> None:
    stat = {"anon": 10 * MIB, "inactive_anon": 10 * MIB, "file": 84 * MIB, "inactive_file": 82 * MIB}
    waits = rule("near_limit").find(known(stat={**stat, "file_dirty": 81 * MIB, "file_writeback": 0}), "app")
    heap = rule("near_limit").find(known(), "app")

    assert waits is not None
    assert heap is not None
    assert waits.remedy.startswith("Write more slowly")
    assert heap.remedy.startswith("Raise the limit")


LAST_OR_NEVER = (
    "5 MiB is protected by memory.min and 7 MiB by memory.low: cache below that is dropped for others last,"
    " or not at all."
)


@pytest.mark.parametrize(
    ("least", "low", "told"),
    [
        (5, 0, "5 MiB is protected by memory.min: cache below that is not dropped for others."),
        (5, 4, "5 MiB is protected by memory.min: cache below that is not dropped for others."),
        (0, 7, "7 MiB is protected by memory.low: cache below that is dropped for others last."),
        (5, 7, LAST_OR_NEVER),
    ],
)
def test_protection_is_told_with_how_far_it_holds(least: int, low: int, told: str) -> None:
    found = protected(known(limit__min=least * MIB, limit__low=low * MIB))

    assert found is not None
    assert found[0] == told


def test_nothing_is_protected_where_nothing_was_asked_for() -> None:
    assert protected(known()) is None


def test_unlimited_protection_covers_all() -> None:
    assert protected(known("limit.min", unlimited__min=1)) == (
        "All of it is protected by memory.min: cache below that is not dropped for others.",
        "memory.min max, memory.low 0, as far as the cgroups above have as much",
    )


def test_no_more_room_is_told_than_the_limit_is() -> None:
    stat = {"inactive_file": 120 * MIB, "active_file": 0, "file": 120 * MIB, "anon": 0, "shmem": 0}
    room = room_left(known(stat=stat, current=5 * MIB))

    assert room is not None
    assert "100 MiB with what can be dropped" in room.sentence


def test_a_limit_below_that_was_hit_is_not_its_own() -> None:
    """memory.events counts what happened to all below; memory.events.local does not."""
    assert hit_limit(known(events__max=30, local__max=0)) is None
    told = hit_limit(known(events__max=30, local__max=2))
    assert told is not None
    assert told[0] == "The limit was hit 2 times and room had to be made."


def test_the_limit_of_a_pod_is_called_the_pods() -> None:
    told = near_limit(known(own__processes=0))

    assert told is not None
    assert told[0].startswith("90 MiB of the pod's limit of 100 MiB cannot be dropped")


def test_a_limit_that_was_set_inside_of_a_container_is_told_where_it_was_hit() -> None:
    told = hit_inside(known(events__max=30, local__max=2))

    assert told == (
        "A limit that was set inside of it was hit 28 times and room had to be made.",
        "memory.events max 30, of its own 2",
    )
    assert hit_inside(known(events__max=30, local__max=30)) is None
    assert hit_inside(known(events__max=30)) is None, "this kernel does not tell them apart"
