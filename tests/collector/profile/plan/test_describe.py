from memcollect.profile.plan.describe import description
from memcollect.profile.plan.model import (
    Exec,
    Http,
    Mark,
    Nothing,
    Phase,
    Plan,
    Reuse,
    Scale,
    Seconds,
    Selected,
    Settle,
    Size,
    Wait,
)
from memcollect.profile.plan.workload import workload_of


def plan(*phases: Phase, version: str = "7") -> Plan:
    return Plan(name="small", version=version, source=Selected(selector="a=b"), phases=list(phases))


def line(phase: Phase) -> str:
    return description(plan(phase)).splitlines()[1]


def test_the_first_line_is_the_plan_and_where_sandboxes_come_from_the_last_when_they_are_at_rest() -> None:
    first, _, last = description(plan(Nothing(name="a"))).splitlines()
    assert first == "small 7: 3 repeats, sandboxes of namespace deer-flow by selector"
    assert last == "Settled: a change of less than 1 MiB in 20 s, waited for at most 180 s."


def test_phases_that_come_to_rest_by_a_rule_of_their_own_are_told_with_it() -> None:
    longer = Settle(within=Size(1 << 20), over=Seconds(60), at_most=Seconds(300))
    phases = [Nothing(name="a", settle=longer), Nothing(name="b"), Nothing(name="c", settle=longer)]
    assert description(plan(*phases, Nothing(name="d", settle=Settle()))).splitlines()[-1] == (
        "Settled: a change of less than 1 MiB in 20 s, waited for at most 180 s;"
        " a and c: a change of less than 1 MiB in 60 s, waited for at most 300 s."
    )


def test_a_plan_without_a_version_names_none() -> None:
    assert description(plan(Nothing(name="a"), version="")).startswith("small: 3 repeats")


def test_each_phase_has_a_line_in_the_plans_order() -> None:
    phases: list[Phase] = [
        Nothing(name="empty"),
        Exec(name="after", command=["sh", "-c", "true"]),
        Scale(name="many", steps=[10, 50]),
        Reuse(name="warm", cycles=2),
        Wait(name="idle", time=Seconds(90)),
        Mark(name="by-hand", ask="Release it"),
        Http(name="page"),
    ]
    told = [each.partition(" [")[0] for each in description(plan(*phases)).splitlines()[1:-1]]
    assert told == [
        "  empty: nothing",
        "  after: exec sh -c true",
        "  many: 10, 50 fresh sandboxes at once",
        "  warm: release and reuse, 2 cycles",
        "  idle: wait 90 s",
        "  by-hand: ask: Release it",
        "  page: http",
    ]


def test_the_hash_of_what_is_run_begins_as_the_recorded_one_and_doing_nothing_has_none() -> None:
    phase = Exec(name="a", command=["true"])
    workload = workload_of(phase, plan(phase))
    assert workload is not None
    assert line(phase).endswith(f" [{workload.sha256[:12]}]")
    assert "[" not in line(Nothing(name="empty"))


def test_a_script_of_many_lines_stays_on_one_and_moves_no_cursor() -> None:
    told = line(Exec(name="a", command=["sh", "-c", "echo \x1b[2J\n" * 50]))
    assert told.isprintable()
    assert len(told) < 100
    assert line(Mark(name="a", ask="one\ntwo\x07")).partition(" [")[0] == "  a: ask: one two\\x07"


def test_one_of_a_thing_is_no_many() -> None:
    once = Plan(name="once", repeats=1, source=Selected(selector="a=b"), phases=[Nothing(name="a")])
    assert description(once).startswith("once: 1 repeat, sandboxes")
    told = [line(each).partition(" [")[0] for each in (Scale(name="a", steps=[1]), Reuse(name="b", cycles=1))]
    assert told == ["  a: 1 fresh sandbox at once", "  b: release and reuse, 1 cycle"]
