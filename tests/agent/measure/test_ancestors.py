from pathlib import Path

import pytest

from memcollect_agent.measure.ancestors import MOST, measure_ancestors, paths_above
from memcollect_agent.measure.problems import Problems
from memcollect_agent.measure.sample import sample_node
from memcollect_agent.read.cgroupfs import CgroupFs
from memcollect_agent.wire import Cgroup, SampleRequest
from worlds.agent_trees import Machine

UID = "476ef1fb-90cb-446a-989f-e9a1ed217abf"
POD = f"/kubepods/burstable/pod{UID}"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def measured(machine: Machine, *paths: str) -> tuple[list[Cgroup], Problems]:
    problems = Problems()
    return measure_ancestors(CgroupFs(str(machine.top)), paths, problems), problems


def test_every_cgroup_above_is_named_once_from_the_top_down_without_the_root() -> None:
    assert paths_above([POD, "/kubepods/podX", "/system.slice"]) == ["/kubepods", "/kubepods/burstable"]


def test_limits_events_charge_and_peak_are_read(machine: Machine) -> None:
    directory = machine.cgroup("/kubepods", current=7)
    machine.cgroup(POD)
    (directory / "memory.max").write_text("1073741824\n")
    (directory / "memory.peak").write_text("99\n")
    (directory / "memory.events.local").write_text("max 3\noom 2\noom_kill 0\n")

    (kubepods, *_), problems = measured(machine, POD)

    assert (kubepods.path, kubepods.max_bytes, kubepods.current_bytes, kubepods.peak_bytes) == (
        "/kubepods",
        1 << 30,
        7,
        99,
    )
    assert kubepods.events_local == {"max": 3, "oom": 2, "oom_kill": 0}
    assert kubepods.stat is None
    assert problems.all == []


@pytest.mark.parametrize(("charge", "is_read"), [(900, True), (899, False)])
def test_what_one_near_its_limit_could_drop_or_swap_is_read_too(
    machine: Machine,
    charge: int,
    is_read: bool,  # noqa: FBT001 - a parameter of a test
) -> None:
    directory = machine.cgroup("/kubepods", current=charge)
    (directory / "memory.max").write_text("1000\n")
    (directory / "memory.swap.max").write_text("0\n")
    (directory / "memory.swap.peak").write_text("0\n")

    (kubepods, *_), _ = measured(machine, POD)

    assert (kubepods.stat is not None) is is_read
    assert (kubepods.swap.peak_bytes is not None) is is_read
    assert kubepods.swap.max_bytes == 0
    assert (kubepods.current_bytes, kubepods.max_bytes) == (charge, 1000)


def test_one_that_went_meanwhile_is_left_out(machine: Machine) -> None:
    machine.cgroup("/kubepods")

    above, problems = measured(machine, "/kubepods/gone/podX")

    assert [each.path for each in above] == ["/kubepods"]
    assert problems.all == []


def test_one_that_cannot_be_read_is_a_problem_and_spoils_no_other(machine: Machine) -> None:
    (machine.cgroup("/kubepods") / "memory.events").write_text("oom many\n")
    machine.cgroup("/kubepods/burstable")

    above, _ = measured(machine, POD)

    assert [each.path for each in above] == ["/kubepods", "/kubepods/burstable"]
    assert above[0].events is None
    assert "memory.events" in above[0].absent


def test_a_deep_or_hostile_tree_is_read_up_to_a_bound(machine: Machine) -> None:
    for number in range(MOST + 5):
        machine.cgroup(f"/a{number}")

    above, _ = measured(machine, *(f"/a{number}/podX" for number in range(MOST + 5)))

    assert len(above) == MOST


def test_a_sample_carries_them_for_the_pods_that_were_asked_for(machine: Machine) -> None:
    for path in ("/kubepods", "/kubepods/burstable", POD):
        machine.cgroup(path)
    machine.cgroup("/other/podffffffff-90cb-446a-989f-e9a1ed217abf")

    sample = sample_node(SampleRequest(pod_uids=[UID]), machine.roots)

    assert sample.node.ancestors is not None
    assert [each.path for each in sample.node.ancestors] == ["/kubepods", "/kubepods/burstable"]
