import pytest

from memcollect.accounting.facts import MissingFactError
from memcollect.explain.slowed import near_high, stalled, swap_full, throttled, throttled_inside
from worlds.builders import MIB, facts


def test_standing_still_for_want_of_memory_is_told_with_both_averages() -> None:
    told = stalled(facts(psi__full__avg10=9680, psi__full__avg60=9420, psi__some__avg10=9710))

    assert told is not None
    assert told[0] == (
        "All of its processes waited for memory 97 % of the last 10 s (PSI full; 94 % of the last minute)."
    )
    assert told[1] == "memory.pressure full avg10 96.80 avg60 94.20"


def test_where_only_some_processes_wait_it_is_told_of_some() -> None:
    told = stalled(facts(psi__full__avg10=10, psi__some__avg10=1500, psi__some__avg60=400))

    assert told is not None
    assert "Some of its processes waited for memory 15 % of the last 10 s" in told[0]


@pytest.mark.parametrize("known", [{}, {"psi__full__avg10": 100, "psi__some__avg10": 900}])
def test_little_pressure_and_a_kernel_that_keeps_none_are_no_news(known: dict[str, int]) -> None:
    assert stalled(facts((), **known)) is None


def test_going_over_memory_high_is_told_once_with_the_charge() -> None:
    given = facts(events__high=7, limit__high=440 * MIB, current=460 * MIB)

    told = throttled(given)
    assert told is not None
    assert told[0] == (
        "memory.high of 440 MiB was exceeded 7 times, which slows its processes down; the"
        " charge is 460 MiB now."
    )
    assert near_high(given) is None


def test_a_charge_near_memory_high_is_told_before_anything_was_slowed() -> None:
    told = near_high(facts(events__high=0, limit__high=100 * MIB, current=95 * MIB))

    assert told is not None
    assert told[0] == "The charge is 95 MiB, and above 100 MiB (memory.high) the processes are slowed down."
    assert near_high(facts(limit__high=200 * MIB, current=95 * MIB)) is None
    assert near_high(facts(unlimited__high=1, current=95 * MIB)) is None


@pytest.mark.parametrize("missing", ["limit.high", "current"])
def test_what_is_not_known_of_memory_high_is_undecided(missing: str) -> None:
    with pytest.raises(MissingFactError) as raised:
        near_high(facts(missing, limit__high=100 * MIB, current=95 * MIB))
    assert raised.value.name == missing


def test_without_its_counter_throttling_is_undecided() -> None:
    with pytest.raises(MissingFactError):
        throttled(facts(limit__high=100 * MIB, current=95 * MIB))


def test_a_swap_limit_that_is_used_up_is_told_and_a_forbidden_one_is_none() -> None:
    told = swap_full(facts(limit__swap=600 * MIB, swap__current=600 * MIB))

    assert told is not None
    assert told[0].startswith("Its swap limit is reached: 600 MiB of 600 MiB")
    assert swap_full(facts(limit__swap=600 * MIB, swap__current=500 * MIB)) is None
    assert swap_full(facts(limit__swap=0, swap__current=0)) is None


def test_a_stall_that_is_over_is_told_of_the_minute_in_which_it_was() -> None:
    told = stalled(facts(psi__full__avg10=0, psi__full__avg60=2500))

    assert told is not None
    assert told[0] == (
        "All of its processes waited for memory 25 % of the last minute (PSI full), 0 % of the last 10 s."
    )


def test_memory_high_of_a_container_is_not_the_pods() -> None:
    assert throttled(facts(events__high=7, local__high=0, current=95 * MIB)) is None


def test_a_memory_high_that_was_set_inside_of_a_container_is_told() -> None:
    """A systemd in it has units with MemoryHigh=: the container's own numbers show nothing of it."""
    given = facts(events__high=120, local__high=20, limit__high=100 * MIB, current=50 * MIB)

    told = throttled_inside(given)
    assert told is not None
    assert told[0].startswith("A memory.high that was set inside of it was exceeded 100 times, which slows")
    assert told[1] == "memory.events high 120, of its own 20"


@pytest.mark.parametrize("known", [{"local__high": 120}, {}, {"local__high": 20, "own__processes": 0}])
def test_what_was_exceeded_in_itself_or_in_a_pods_containers_was_not_set_inside(
    known: dict[str, int],
) -> None:
    assert throttled_inside(facts((), events__high=120, **known)) is None
