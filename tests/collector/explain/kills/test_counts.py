import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memcollect.documents.snapshot import Container, Pod
from memcollect.explain.kills.counts import Kill, gone_kills, kills_of
from memcollect_agent.wire import Cgroup
from worlds.oom_counters import Machine

MIB = 1 << 20


def only(machine: Machine) -> Kill:
    (kill,) = kills_of(machine.row(), machine.ancestors())
    return kill


def test_nothing_killed_is_nothing_told() -> None:
    machine = Machine()

    assert kills_of(machine.row(), machine.ancestors()) == []
    assert gone_kills(machine.row()) == 0


def test_a_containers_own_limit_with_the_container_living_on() -> None:
    machine = Machine()
    for _ in range(3):
        machine.app.reach_limit(machine.app)

    kill = only(machine)

    assert (kill.victim, kill.blame, kill.counted, kill.ooms) == ("app", "container", 3, 3)
    assert kill.processes.is_exact
    assert kill.certain
    assert kill.level is not None
    assert (kill.level.kind, kill.level.limit_bytes, kill.level.hits) == ("container", 64 * MIB, 3)


def test_a_limit_that_what_runs_inside_has_set_is_not_the_containers() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    machine.app.local["oom"] = 0

    kill = only(machine)

    assert kill.blame == "container"
    assert kill.level is not None
    assert kill.level.kind == "inside"


def test_the_pods_limit() -> None:
    machine = Machine()
    machine.pod.reach_limit(machine.side)

    kill = only(machine)

    assert (kill.victim, kill.blame) == ("side", "pod")
    assert kill.level is not None
    assert kill.level.path == machine.pod.path


@pytest.mark.parametrize(("above", "kind"), [("pods", "pods"), ("qos", "qos")])
def test_a_limit_above_the_pod_kills_one_that_reached_none(above: str, kind: str) -> None:
    machine = Machine(limit="max")
    getattr(machine, above).reach_limit(machine.app)

    kill = only(machine)

    assert (kill.victim, kill.blame) == ("app", "above")
    assert kill.level is not None
    assert kill.level.kind == kind


def test_the_nearest_limit_above_is_named_first_and_the_others_beside_it() -> None:
    machine = Machine()
    machine.pods.reach_limit(machine.app)
    machine.qos.reach_limit(machine.app)

    kill = only(machine)

    assert kill.level is not None
    assert (kill.level.kind, [each.kind for each in kill.others]) == ("qos", ["pods"])


def test_where_no_cgroup_reached_its_limit_the_node_had_no_memory() -> None:
    machine = Machine()
    machine.app.die()

    assert only(machine).blame == "node"


@pytest.mark.parametrize("known", [None, [], ["/kubepods"]])
def test_without_every_cgroup_above_it_cannot_be_told_whose_limit_it_was(known: list[str] | None) -> None:
    machine = Machine()
    machine.app.die()
    ancestors = None if known is None else [each for each in machine.ancestors() if each.path in known]

    (kill,) = kills_of(machine.row(), ancestors)

    assert kill.blame == "unknown"


def test_kills_of_a_container_that_is_gone_stay_in_the_pods_counters() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    machine.restart()

    kill = only(machine)

    assert (kill.victim, kill.blame, kill.level, kill.counted) == ("", "container", None, 1)
    assert gone_kills(machine.row()) == 1


def test_a_pod_that_counts_in_its_own_cgroup_what_its_container_counts_is_not_told_of_it_twice() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    machine.pod.local |= {"oom": 1, "oom_kill": 1}

    kill = only(machine)

    assert (kill.victim, kill.counted) == ("app", 1)


def test_a_group_kill_counts_its_victim_twice() -> None:
    machine = Machine(oom_group=True)
    machine.app.reach_limit(machine.app, members=1)
    machine.restart()
    machine.app.reach_limit(machine.app, members=1)
    machine.restart()

    kill = only(machine)

    assert kill.counted == 4
    assert (kill.processes.low, kill.processes.estimate, kill.processes.high) == (2, 2, 4)


def test_a_kernel_that_does_not_count_group_kills_leaves_half_of_all() -> None:
    machine = Machine(oom_group=True)
    machine.app.reach_limit(machine.app, members=1)
    row = machine.row()
    app, side = row.containers
    assert app.cgroup is not None
    assert app.cgroup.events is not None
    events = {name: n for name, n in app.cgroup.events.items() if name != "oom_group_kill"}
    older = msgspec.structs.replace(app, cgroup=msgspec.structs.replace(app.cgroup, events=events))

    (kill,) = kills_of(msgspec.structs.replace(row, containers=[older, side]), machine.ancestors())

    assert (kill.processes.low, kill.processes.high) == (1, 2)


def test_own_kills_and_those_from_above_are_told_apart_where_each_ended_one_process() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    machine.pods.reach_limit(machine.app)
    machine.pods.reach_limit(machine.app)

    kills = kills_of(machine.row(), machine.ancestors())

    assert [(kill.blame, kill.counted) for kill in kills] == [("container", 1), ("above", 2)]
    assert [kill.certain for kill in kills] == [False, False]


def test_a_container_outside_kubernetes_is_its_own_place() -> None:
    machine = Machine()
    machine.app.reach_limit(machine.app)
    container = machine.row().containers[0]
    unit = Pod(uid="u", name="u", kind="service", containers=[container], cgroup=container.cgroup)

    (kill,) = kills_of(unit, [])

    assert (kill.victim, kill.blame) == ("app", "container")


def test_counters_that_were_not_read_tell_nothing() -> None:
    row = Pod(uid="X", name="x", containers=[Container(name="a", cgroup=Cgroup(path="/a"))])

    assert kills_of(row, None) == []
    assert gone_kills(row) is None


COUNTED = ("oom", "oom_kill", "oom_group_kill")
HAPPENINGS = ("app", "side", "pod", "qos", "pods", "node", "restart")
LIMITS = {"app": "container", "side": "container", "pod": "pod", "qos": "above", "pods": "above"}


@given(
    st.lists(st.tuples(st.sampled_from(HAPPENINGS), st.sampled_from(("app", "side")), st.integers(1, 3))),
    st.booleans(),
)
def test_whatever_happens_no_kill_is_told_twice_or_lost(
    happenings: list[tuple[str, str, int]],
    oom_group: bool,  # noqa: FBT001 - drawn
) -> None:
    machine = Machine(oom_group=oom_group)
    truth = 0
    hit: set[str] = set()
    for what, victim_name, members in happenings:
        if what == "restart":
            machine.restart()
            continue
        victim = getattr(machine, what if what in ("app", "side") else victim_name)
        truth += members if victim.oom_group else 1
        if what == "node":
            victim.die(members)
            hit.add("node")
        else:
            getattr(machine, what).reach_limit(victim, members)
            hit.add(LIMITS[what])

    kills = kills_of(machine.row(), machine.ancestors())

    assert sum(kill.counted for kill in kills) == machine.pod.events["oom_kill"]
    assert sum(kill.processes.low for kill in kills) <= truth <= sum(kill.processes.high for kill in kills)
    assert sum(kill.processes.high for kill in kills) <= machine.pod.events["oom_kill"]
    assert {kill.blame for kill in kills} <= hit
    if len(hit) == 1:
        assert {kill.blame for kill in kills} == hit
    for kill in kills:
        if kill.level is not None and kill.level.kind != "inside":
            assert kill.level.hits


@given(
    st.lists(
        st.fixed_dictionaries(
            {}, optional=dict.fromkeys(("oom", "oom_kill", "oom_group_kill"), st.integers(0, 9))
        ),
        min_size=6,
        max_size=6,
    ),
    st.sampled_from((None, True, False)),
)
def test_counters_that_contradict_each_other_never_make_more_kills_than_were_counted(
    counters: list[dict[str, int]],
    oom_group: bool | None,  # noqa: FBT001 - drawn
) -> None:
    def cgroup(path: str, events: dict[str, int], local: dict[str, int]) -> Cgroup:
        return Cgroup(path=path, events=events, events_local=local, oom_group=oom_group)

    pod, pod_local, one, one_local, two, above = counters
    row = Pod(
        uid="X",
        name="x",
        cgroup=cgroup("/kubepods/podX", pod, pod_local),
        containers=[
            Container(name="one", cgroup=cgroup("/kubepods/podX/1", one, one_local)),
            Container(name="two", cgroup=cgroup("/kubepods/podX/2", two, {})),
        ],
    )

    kills = kills_of(row, [cgroup("/kubepods", above, above)])

    counted = sum(each.get("oom_kill", 0) for each in (pod, one, two))
    assert sum(kill.counted for kill in kills) <= counted + pod_local.get("oom_kill", 0)
    assert all(kill.processes.low >= 1 for kill in kills)
    assert all(kill.processes.high <= kill.counted for kill in kills)
