import pytest

from memcollect.accounting.facts import Facts, MissingFactError
from memcollect.explain.limits import (
    LIMIT_RULES,
    LimitRule,
    full_of_cache,
    near_high,
    near_limit,
    oom_kills,
    protected,
)
from worlds.builders import MIB, facts

FULL: dict[str, int | tuple[int, int, int]] = {
    "current": 95 * MIB,
    "stat__active_file": 2 * MIB,
    "stat__inactive_file": 2 * MIB,
    "stat__slab_reclaimable": MIB,
    "limit__max": 100 * MIB,
    "limit__high": 100 * MIB,
    "limit__min": 0,
    "limit__low": 0,
    "events__max": 3,
    "events__high": 1,
    "events__oom_kill": 2,
}


def known(without: str | tuple[str, ...] = (), **changed: int) -> Facts:
    return facts(without, **{**FULL, **changed})


def rule(cause: str) -> LimitRule:
    return next(each for each in LIMIT_RULES if each.cause == cause)


@pytest.mark.parametrize(
    ("cause", "severity", "sentence"),
    [
        ("oom_kill", "critical", "The OOM killer ended 2 processes here since the cgroup was made."),
        (
            "near_limit",
            "warning",
            "90 MiB that cannot be dropped, of a limit of 100 MiB: 10 MiB more ends in an OOM kill.",
        ),
        (
            "near_high",
            "notice",
            "The charge is 95 MiB, and above 100 MiB (memory.high) the processes are slowed down.",
        ),
        ("hit_limit", "notice", "The limit was hit 3 times and room had to be made."),
        ("throttled", "notice", "memory.high was exceeded once; the processes were slowed down to reclaim."),
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
        ("oom_kill", "events.oom_kill"),
        ("hit_limit", "events.max"),
        ("throttled", "events.high"),
        ("near_limit", "limit.max"),
        ("near_limit", "current"),
        ("near_limit", "stat.active_file"),
        ("full_of_cache", "limit.max"),
        ("near_high", "limit.high"),
        ("near_high", "current"),
        ("protected", "limit.min"),
        ("protected", "limit.low"),
    ],
)
def test_a_state_whose_file_is_missing_is_undecided_and_not_well(cause: str, missing: str) -> None:
    with pytest.raises(MissingFactError) as raised:
        rule(cause).find(known(missing), "app")
    assert raised.value.name == missing


def test_one_kill_is_one_process() -> None:
    told = oom_kills(known(events__oom_kill=1))

    assert told is not None
    assert "ended 1 process here" in told[0]
    assert oom_kills(known(events__oom_kill=0)) is None


def test_no_limit_is_never_near() -> None:
    assert near_limit(known("limit.max", unlimited__max=1)) is None
    assert full_of_cache(known("limit.max", unlimited__max=1)) is None
    assert near_high(known("limit.high", unlimited__high=1)) is None


def test_cache_at_the_limit_is_no_danger() -> None:
    given = known(stat__inactive_file=60 * MIB)

    assert near_limit(given) is None
    told = full_of_cache(given)
    assert told is not None
    assert told[0].startswith("The charge is at 95 MiB of 100 MiB, but 63 MiB of it is cache")


def test_tmpfs_and_locked_cache_at_the_limit_are_a_danger() -> None:
    """They are on neither file list, so nothing of them is dropped."""
    assert near_limit(known(stat__file=80 * MIB, stat__shmem=40 * MIB)) is not None


def test_with_swap_the_limit_leads_to_swapping_first() -> None:
    told = near_limit(known(node__swap_devices=1))
    assert told is not None
    assert told[0].endswith("ends in swapping, and an OOM kill when swap is full.")

    forbidden = near_limit(known(node__swap_devices=1, limit__swap=0))
    assert forbidden is not None
    assert forbidden[0].endswith("ends in an OOM kill.")


def test_protection_is_the_larger_of_the_two() -> None:
    told = protected(known(limit__min=5 * MIB, limit__low=7 * MIB))

    assert told is not None
    assert told[0].startswith("7 MiB is protected")
    assert protected(known()) is None


def test_unlimited_protection_covers_all() -> None:
    told = protected(known("limit.min", unlimited__min=1))

    assert told == (
        "All of it is protected from reclaim, so cache below that is not dropped for others.",
        "memory.min max, memory.low 0",
    )
