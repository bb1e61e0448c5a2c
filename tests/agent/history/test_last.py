"""What is kept of a cgroup after a kill, or after it is gone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from memcollect_agent.history import Recorder, Settings
from memcollect_agent.history.clocks import Clocks
from memcollect_agent.history.followed import Followed
from memcollect_agent.history.last import EACH_POD, MOST_PODS, POINTS
from memcollect_agent.wire import HistoryRequest, LastPoints
from worlds.pod_tree import PodTree, container_id, uid


class World:
    """A tree whose kernel counts kills, a clock, and the recorder that follows them."""

    def __init__(self, base: Path, *, vmstat: bool = True) -> None:
        self.tree = PodTree(base)
        self.now = 1000.0
        self.kills = 0
        self._vmstat = self.tree.proc / "vmstat"
        if vmstat:
            self._vmstat.write_text("nr_free_pages 1\noom_kill 0\n")
        clocks = Clocks(wall=lambda: self.now, monotonic=lambda: self.now)
        settings = Settings(depth=5, clocks=clocks, proc_root=str(self.tree.proc))
        self.recorder = Recorder(str(self.tree.cgroup), settings)

    def pod(self, number: int, *containers: int, current: int = 10) -> Path:
        directory = self.tree.add_pod(number, *containers, current=current, anon=current)
        for place in (directory, *(directory / container_id(each) for each in containers)):
            (place / "memory.events").write_text("oom 0\noom_kill 0\n")
        return directory

    def kill_in(self, *directories: Path) -> None:
        """Count one more kill in each of these, and on the node."""
        self.kills += 1
        if self._vmstat.exists():
            self._vmstat.write_text(f"nr_free_pages 1\noom_kill {self.kills}\n")
        for directory in directories:
            counted = int((directory / "memory.events").read_text().split()[-1])
            (directory / "memory.events").write_text(f"oom 1\noom_kill {counted + 1}\n")

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.recorder.tick()
            self.now += 2.0

    def last(self, *pods: int) -> list[LastPoints]:
        uids = [uid(pod) for pod in pods] or None
        return self.recorder.history(HistoryRequest(pod_uids=uids)).last


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.recorder.close()


def grown(world: World, directory: Path, *sizes: int) -> None:
    for size in sizes:
        PodTree.write(directory, size, anon=size)
        world.tick()


def test_a_kill_keeps_the_points_before_it_of_the_container_and_its_pod(world: World) -> None:
    pod = world.pod(1, 11, 12)
    container = pod / container_id(11)
    grown(world, container, 20, 30, 40, 50)
    world.kill_in(pod, container)
    PodTree.write(container, 3, anon=3)
    world.tick()

    of_pod, of_container = world.last()

    assert (of_pod.cgroup.is_pod, of_pod.oom_kills) == (True, 1)
    assert (of_container.cgroup.container_id, of_container.oom_kills) == (container_id(11), 1)
    assert of_container.cgroup.current_bytes == [30, 40, 50]
    assert of_container.cgroup.stat["anon"] == [30, 40, 50]
    assert of_container.cgroup.times == [1002.0, 1004.0, 1006.0]
    assert of_container.noticed_at == 1008.0


def test_a_container_that_is_removed_within_the_same_tick_is_the_one_that_was_killed(world: World) -> None:
    pod = world.pod(1, 11, 12)
    grown(world, pod / container_id(11), 20, 50)
    world.kill_in(pod)
    world.tree.remove(pod / container_id(11))
    world.tick()

    killed = [each for each in world.last() if not each.cgroup.is_pod]

    assert [(each.cgroup.container_id, each.oom_kills) for each in killed] == [(container_id(11), 1)]
    assert killed[0].cgroup.current_bytes == [20, 50]
    assert killed[0].cgroup.gone_at == 1004.0


def test_a_removal_without_a_kill_says_so(world: World) -> None:
    pod = world.pod(1, 11)
    grown(world, pod / container_id(11), 50)
    world.tree.remove(pod / container_id(11))
    world.tick()

    assert [(each.cgroup.current_bytes, each.oom_kills) for each in world.last()] == [([50], 0)]


def test_of_a_pod_that_went_as_a_whole_it_is_not_known(world: World) -> None:
    pod = world.pod(1, 11)
    grown(world, pod / container_id(11), 50)
    world.kill_in()
    world.tree.remove(pod)
    world.tick()

    assert [each.oom_kills for each in world.last(1)] == [None, None]


def test_what_is_kept_outlives_the_ring(world: World) -> None:
    pod = world.pod(1, 11)
    grown(world, pod / container_id(11), 50)
    world.tree.remove(pod / container_id(11))
    world.tick(100)

    history = world.recorder.history(HistoryRequest())
    assert [one.container_id for one in history.cgroups] == [None]
    assert [each.cgroup.container_id for each in history.last] == [container_id(11)]


def test_a_quiet_node_costs_one_file_and_the_counters_of_no_pod(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.pod(1, 11)
    world.tick(3)
    asked: list[str] = []
    monkeypatch.setattr(Followed, "new_kills", lambda one: asked.append(one.path))
    world.tick(3)

    assert asked == []


def test_the_tick_after_a_suspicion_looks_again_for_the_cgroup_counts_later(world: World) -> None:
    pod = world.pod(1, 11)
    grown(world, pod / container_id(11), 20, 50)
    world.kill_in()
    world.tick()
    (pod / "memory.events").write_text("oom 1\noom_kill 1\n")
    (pod / container_id(11) / "memory.events").write_text("oom 1\noom_kill 1\n")
    world.tick()

    assert [each.oom_kills for each in world.last()] == [1, 1]


def test_without_the_nodes_counter_every_pod_is_looked_at(tmp_path: Path) -> None:
    world = World(tmp_path, vmstat=False)
    pod = world.pod(1, 11)
    grown(world, pod / container_id(11), 20, 50)
    world.kill_in(pod, pod / container_id(11))
    world.tick()

    assert [each.oom_kills for each in world.last()] == [1, 1]
    world.recorder.close()


def test_a_kill_before_a_pod_was_followed_is_not_a_new_one(world: World) -> None:
    world.tick()
    pod = world.pod(1, 11)
    world.kill_in(pod, pod / container_id(11))
    world.tick(6)
    world.kill_in()
    world.tick(2)

    assert world.last() == []


def test_damaged_counters_are_no_kills_and_no_failure(world: World) -> None:
    pod = world.pod(1, 11)
    world.tick()
    world.kill_in()
    (pod / "memory.events").write_text("oom_kill many\n")
    world.tick()

    assert world.last() == []


def test_a_pod_that_is_killed_for_ever_does_not_displace_the_others(world: World) -> None:
    quiet, noisy = world.pod(1, 11), world.pod(2, 12)
    world.tick()
    world.tree.remove(quiet / container_id(11))
    for _ in range(3 * EACH_POD):
        world.kill_in(noisy, noisy / container_id(12))
        world.tick()

    assert len(world.last(1)) == 1
    assert len(world.last(2)) == EACH_POD
    assert all(len(each.cgroup.times) <= POINTS for each in world.last())


def test_of_too_many_pods_those_go_that_were_last_there_longest_ago(world: World) -> None:
    for number in range(MOST_PODS + 2):
        world.pod(number, number)
    world.tick()
    for number in range(MOST_PODS + 2):
        world.tree.remove(world.tree.pod(number) / container_id(number))
    world.tick()

    kept = {each.cgroup.pod_uid for each in world.last()}
    assert len(kept) == MOST_PODS
    assert uid(0) not in kept
