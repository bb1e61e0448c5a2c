import errno
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from memcollect_agent.history import Recorder, Settings
from memcollect_agent.history.clocks import Clocks
from memcollect_agent.history.followed import STAT_LIMIT
from memcollect_agent.read.cgroupfs import CgroupDir
from memcollect_agent.wire import CgroupHistory, ClockJump, History, HistoryRequest
from worlds.agent_faults import Fail
from worlds.agent_trees import FIXTURES
from worlds.pod_tree import PodTree, container_id, uid

RECORDED = [
    "systemd-kernel-7.2",
    "systemd-kernel-6.12",
    "systemd-oom-kernel-7.2",
    "cgroupfs-init-tmpfs-kernel-7.2",
]


class Time:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.wall = 1_000_000.0
        self.monotonic = 50.0

    def go(self, seconds: float) -> None:
        self.wall += seconds
        self.monotonic += seconds

    @property
    def clocks(self) -> Clocks:
        return Clocks(wall=lambda: self.wall, monotonic=lambda: self.monotonic)


class World:
    """A tree, a clock and the recorder that follows them."""

    def __init__(self, base: Path, settings: Settings) -> None:
        self.tree = PodTree(base)
        self.time = Time()
        settings = msgspec.structs.replace(settings, clocks=self.time.clocks)
        self.recorder = Recorder(str(self.tree.cgroup), settings)

    def tick(self, times: int = 1) -> None:
        for _ in range(times):
            self.recorder.tick()
            self.time.go(2.0)

    def history(self, *pods: int, since: float | None = None) -> History:
        uids = [uid(pod) for pod in pods] or None
        return self.recorder.history(HistoryRequest(pod_uids=uids, since=since))

    def cgroups(self, *pods: int) -> list[CgroupHistory]:
        return self.history(*pods).cgroups


def descriptors(tree: Path) -> int:
    """Return how many are open into the tree: threads of other tests may open and close some elsewhere."""
    return sum(1 for each in Path("/proc/self/fd").iterdir() if _target(each).startswith(f"{tree}/"))


def _target(descriptor: Path) -> str:
    try:
        return str(descriptor.readlink())
    except FileNotFoundError:  # closed since it was listed, as the one that lists is
        return ""


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[[Settings], World]]:
    with ExitStack() as stack:

        def made(settings: Settings) -> World:
            world = World(tmp_path, settings)
            stack.callback(world.recorder.close)
            return world

        yield made


@pytest.fixture
def world(make_world: Callable[[Settings], World]) -> World:
    return make_world(Settings(depth=5))


def test_before_the_first_tick_nothing_is_claimed(world: World) -> None:
    history = world.history()
    assert (history.cgroups, history.ticks, history.began_at, history.cost) == ([], 0, None, None)


def test_each_tick_adds_what_the_files_say_then(world: World) -> None:
    pod = world.tree.add_pod(1, 11, current=1000, inactive_file=100, anon=700)
    world.tick()
    world.tree.write(pod / container_id(11), 3000, inactive_file=200, anon=900)
    world.tick()
    own, container = world.cgroups()
    assert (own.is_pod, own.container_id, own.current_bytes) == (True, None, [1000, 1000])
    assert (container.is_pod, container.container_id, container.pod_uid) == (False, container_id(11), uid(1))
    assert container.times == [1_000_000.0, 1_000_002.0]
    assert container.current_bytes == [1000, 3000]
    assert container.inactive_file_bytes == [100, 200]
    assert container.stat["anon"] == [700, 900]
    assert container.inode == (pod / container_id(11)).stat().st_ino


def test_the_columns_suffice_for_the_composition_of_a_working_set(world: World) -> None:
    world.tree.add_pod(1)
    world.tick()
    assert set(world.cgroups()[0].stat) == {
        *("active_file", "inactive_anon", "active_anon", "unevictable"),
        *("anon", "file", "shmem", "kernel", "sock", "slab_reclaimable"),
    }


@pytest.mark.parametrize("condition", RECORDED)
def test_working_sets_of_a_recorded_node_are_cadvisors_to_the_byte(condition: str) -> None:
    recorder = Recorder(str(FIXTURES / condition / "sys/fs/cgroup"))
    recorder.tick()
    ours = {
        one.path: max(0, (one.current_bytes[0] or 0) - (one.inactive_file_bytes[0] or 0))
        for one in recorder.history(HistoryRequest()).cgroups
    }
    recorder.close()
    assert ours == json.loads((FIXTURES / condition / "cadvisor-working-set.json").read_text())


def test_a_request_for_some_pods_gets_those_alone(world: World) -> None:
    world.tree.add_pod(1, 11)
    world.tree.add_pod(2, 12)
    world.tick()
    assert {one.pod_uid for one in world.cgroups(2)} == {uid(2)}
    assert world.cgroups(3) == []


def test_a_uid_in_the_form_of_a_systemd_slice_is_the_same_uid(world: World) -> None:
    world.tree.add_pod(1)
    world.tick()
    asked = HistoryRequest(pod_uids=[uid(1).replace("-", "_")])
    assert len(world.recorder.history(asked).cgroups) == 1


def test_since_bounds_the_points(world: World) -> None:
    world.tree.add_pod(1)
    world.tick(4)
    assert world.history(since=1_000_003.0).cgroups[0].times == [1_000_002.0, 1_000_004.0, 1_000_006.0]


def test_a_container_that_starts_later_is_followed_within_five_ticks(world: World) -> None:
    pod = world.tree.add_pod(1)
    world.tick()
    world.tree.write(pod / container_id(11), 7)
    world.tick(5)
    assert [one.container_id for one in world.cgroups()] == [None, container_id(11)]


def test_a_removed_container_keeps_its_points_until_they_are_too_old(world: World) -> None:
    pod = world.tree.add_pod(1, 11, current=5)
    world.tick(2)
    world.tree.remove(pod / container_id(11))
    world.tick()
    gone = next(one for one in world.cgroups() if one.container_id)
    assert (gone.current_bytes, gone.gone_at) == ([5, 5], 1_000_004.0)
    world.tick(6)
    assert [one.container_id for one in world.cgroups()] == [None]


def test_a_path_made_anew_is_another_cgroup_and_the_old_points_stay_apart(world: World) -> None:
    pod = world.tree.add_pod(1, 11, current=5)
    world.tick()
    # Moved, not deleted: a file system may give a deleted directory's inode to the next one made.
    (pod / container_id(11)).rename(pod.parent / "removed")
    world.tree.remove_files(pod.parent / "removed")
    world.tree.write(pod / container_id(11), 9)
    world.tick()
    new, old = (one for one in world.cgroups() if one.container_id)
    assert (new.current_bytes, old.current_bytes) == ([9], [5])
    assert new.path == old.path
    assert new.inode != old.inode
    assert (new.gone_at, old.gone_at) == (None, 1_000_002.0)


def test_a_cgroup_that_dies_between_open_and_read_is_gone_and_no_problem(world: World, fail: Fail) -> None:
    pod = world.tree.add_pod(1, 11)
    world.tick()
    shutil.rmtree(pod / container_id(11))
    fail("memory.stat", errno.ENODEV, "read")
    world.tick()
    history = world.history()
    assert container_id(11) not in {problem.name.rsplit("/", 1)[-1] for problem in history.problems}
    assert {one.container_id for one in history.cgroups if one.gone_at} == {container_id(11)}


def test_a_cgroup_without_the_memory_controller_is_a_problem_until_it_has_one(world: World) -> None:
    pod = world.tree.add_pod(1)
    for name in ("memory.stat", "memory.current"):
        (pod / name).unlink()
    world.tick()
    history = world.history()
    assert history.cgroups[0].times == []
    assert "memory controller is not enabled" in history.problems[0].detail
    world.tree.write(pod, 5)
    world.tick(6)
    history = world.history()
    assert history.problems == []
    assert history.cgroups[0].current_bytes[-1] == 5


def test_a_refused_file_costs_only_its_own_column(world: World, fail: Fail) -> None:
    world.tree.add_pod(1, current=5, anon=3)
    fail("memory.current", errno.EACCES)
    world.tick()
    history = world.history()
    assert history.cgroups[0].current_bytes == [None]
    assert history.cgroups[0].stat["anon"] == [3]
    assert "memory.current: Permission denied" in history.problems[0].detail


TOO_LONG = "".join(f"{'anon' if not n else f'x{n:03x}'} {n + 10**9}\n" for n in range(STAT_LIMIT // 16))
"""Whole lines up to the limit: nothing but its length tells that there may be more."""


@pytest.mark.parametrize("text", ["", "x", "anon 1\n" * 2, "anon -5\n", f"anon {'9' * 40}\n", TOO_LONG])
def test_damaged_numbers_are_unknown_and_said_so(world: World, text: str) -> None:
    pod = world.tree.add_pod(1, 11, current=5, anon=3)
    (pod / "memory.stat").write_text(text)
    world.tick()
    history = world.history()
    assert (history.cgroups[0].inactive_file_bytes, history.cgroups[0].stat) == ([None], {})
    assert history.cgroups[0].current_bytes == [5]
    assert [problem.kind for problem in history.problems] == ["pod"]
    assert history.cgroups[1].stat["anon"] == [3]


def test_a_fifo_in_place_of_a_file_does_not_hang_the_tick(world: World) -> None:
    pod = world.tree.add_pod(1, current=5)
    (pod / "memory.stat").unlink()
    os.mkfifo(pod / "memory.stat")
    world.tick()
    assert "not a regular file" in world.history().problems[0].detail


def test_a_field_that_the_kernel_lacks_is_left_out_and_not_zero(world: World) -> None:
    pod = world.tree.add_pod(1)
    lines = [
        line for line in (pod / "memory.stat").read_text().splitlines() if not line.startswith("kernel ")
    ]
    (pod / "memory.stat").write_text("\n".join(lines) + "\n")
    world.tick()
    assert "kernel" not in world.cgroups()[0].stat
    assert world.cgroups()[0].stat["sock"] == [0]


def test_a_field_that_was_missing_once_keeps_its_other_numbers(world: World) -> None:
    pod = world.tree.add_pod(1)
    whole = (pod / "memory.stat").read_text()
    (pod / "memory.stat").write_text(
        "".join(f"{line}\n" for line in whole.splitlines() if "sock" not in line)
    )
    world.tick()
    (pod / "memory.stat").write_text(whole)
    world.tick()
    assert world.cgroups()[0].stat["sock"] == [None, 0]


def test_names_cannot_reach_a_terminal(world: World) -> None:
    pod = world.tree.add_pod(1)
    world.tree.write(pod / "evil\x1b[2J\n", 5)
    world.tick()
    assert all(one.path.isprintable() for one in world.cgroups())


def test_too_many_cgroups_are_counted_and_not_followed(make_world: Callable[[Settings], World]) -> None:
    world = make_world(Settings(depth=5, max_cgroups=3))
    world.tree.add_pod(1, 11)
    world.tree.add_pod(2, 12)
    world.tick()
    history = world.history()
    assert (len(history.cgroups), history.left_out) == (3, 1)


def test_removed_cgroups_beyond_the_bound_are_forgotten_and_counted(
    make_world: Callable[[Settings], World],
) -> None:
    world = make_world(Settings(depth=5, max_gone=2))
    pod = world.tree.add_pod(1, 11, 12, 13)
    world.tick()
    for number in (11, 12, 13):
        world.tree.remove(pod / container_id(number))
    world.tick()
    history = world.history()
    assert (len([one for one in history.cgroups if one.gone_at]), history.forgotten) == (2, 1)


@pytest.mark.parametrize("memory", [True, False])
def test_pods_that_come_and_go_leave_nothing_behind(
    tmp_path: Path, make_world: Callable[[Settings], World], *, memory: bool
) -> None:
    """Without the memory controller, too, whose missing files look like those of a removed cgroup."""
    world = make_world(Settings(depth=5, max_cgroups=60, max_gone=4))
    held = set()
    for generation in range(40):
        pods = [world.tree.pod(10 * generation + number) for number in range(10)]
        for pod in pods:
            pod.mkdir()
            (pod / "cgroup.procs").write_text("")
            if memory:
                world.tree.write(pod, 5)
        world.tick(5)
        history = world.history()
        held.add(
            (descriptors(tmp_path), sum(one.gone_at is None for one in history.cgroups), history.left_out)
        )
        for pod in pods:
            world.tree.remove(pod)
        world.tick(6)
        assert not [one for one in world.cgroups() if one.gone_at is None]
        assert world.history().problems == []
    # From the first generation to the last: the same descriptors, ten pods, and none left out.
    assert len(held) == 1
    assert {(live, left_out) for _, live, left_out in held} == {(10, 0)}


def test_no_descriptor_is_lost_over_a_life_of_changes(world: World, tmp_path: Path) -> None:
    pod = world.tree.add_pod(1, 11)
    world.tick()
    before = descriptors(tmp_path)
    for _ in range(20):
        world.tree.remove(pod / container_id(11))
        world.tick()
        world.tree.write(pod / container_id(11), 5)
        world.tick(5)
    assert descriptors(tmp_path) == before > 0
    world.recorder.close()
    # The pod's and its container's, each with two files, and the root's, which has none here.
    assert descriptors(tmp_path) == before - 7


def test_files_stay_open_for_as_many_cgroups_as_may_and_the_others_are_read_all_the_same(
    tmp_path: Path,
    make_world: Callable[[Settings], World],
) -> None:
    world = make_world(Settings(depth=5, max_kept_open=1))
    pod = world.tree.add_pod(1, 11, 12, current=5)
    for current in (5, 6, 7):
        for directory in (pod, pod / container_id(11), pod / container_id(12)):
            world.tree.write(directory, current)
        world.tick()
    assert [one.current_bytes for one in world.cgroups()] == [[5, 6, 7]] * 3
    # Three directories, the root's, and the two files of one.
    assert descriptors(tmp_path) == 6


def test_where_nothing_came_the_tree_is_not_walked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = world.tree.add_pod(1, 11)
    world.tick(6)
    listed: list[str] = []
    real = CgroupDir._listed

    def noted(directory: CgroupDir) -> tuple[frozenset[str], list[str]]:
        listed.append(directory.path)
        return real(directory)

    monkeypatch.setattr(CgroupDir, "_listed", noted)
    world.tick(10)
    assert listed == []
    world.tree.write(pod / container_id(12), 7)
    world.tick(5)
    assert listed
    assert [one.container_id for one in world.cgroups()] == [None, container_id(11), container_id(12)]


@pytest.mark.parametrize("beside", ["kubepods/burstable", "kubelet/kubepods/burstable"])
def test_what_takes_the_place_of_a_cgroup_that_is_not_followed_is_seen(world: World, beside: str) -> None:
    """Its parent has as many children as before."""
    parent = world.tree.cgroup / beside
    (parent / "plain").mkdir(parents=True)
    (parent / "plain/cgroup.procs").touch()
    world.tree.add_pod(1)
    world.tick(6)
    (parent / "plain").rename(world.tree.cgroup.parent / "away")
    world.tree.write(parent / f"pod{uid(2)}", 7)
    world.tick(5)
    assert {one.pod_uid for one in world.cgroups()} == {uid(1), uid(2)}


def test_what_takes_the_place_of_a_container_between_two_reads_is_seen(world: World) -> None:
    pod = world.tree.add_pod(1, 11)
    world.tick(6)
    for number in range(11, 16):
        world.tree.remove(pod / container_id(number))
        world.tree.write(pod / container_id(number + 1), 7)
        world.tick(5)
    live = [one.container_id for one in world.cgroups() if one.gone_at is None]
    assert live == [None, container_id(16)]


def test_where_links_are_not_counted_new_pods_are_seen_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """btrfs says one of every directory."""
    real_stat, real_fstat = os.stat, os.fstat

    def one_link(result: os.stat_result) -> os.stat_result:
        return os.stat_result(
            (*result[:3], 1 if stat.S_ISDIR(result.st_mode) else result.st_nlink, *result[4:])
        )

    monkeypatch.setattr(os, "stat", lambda *args, **more: one_link(real_stat(*args, **more)))
    monkeypatch.setattr(os, "fstat", lambda fd: one_link(real_fstat(fd)))
    world.tree.add_pod(1)
    world.tick(6)
    world.tree.add_pod(2)
    world.tick(5)
    assert {one.pod_uid for one in world.cgroups()} == {uid(1), uid(2)}


def test_a_clock_that_was_set_is_noted(world: World) -> None:
    world.tree.add_pod(1)
    world.tick()
    world.time.wall += 500.0
    world.tick()
    assert world.history().clock_jumps == [ClockJump(at=1_000_502.0, by_seconds=500.0)]


def test_a_removed_cgroup_ages_by_the_monotonic_clock(world: World) -> None:
    pod = world.tree.add_pod(1, 11)
    world.tick()
    world.tree.remove(pod / container_id(11))
    world.time.wall += 86400.0
    world.tick()
    assert container_id(11) in {one.container_id for one in world.cgroups()}


def test_the_rings_of_a_full_node_hold_less_than_two_mebibytes(
    make_world: Callable[[Settings], World],
) -> None:
    world = make_world(Settings())
    for number in range(110):
        world.tree.add_pod(number, number)
    world.tick()
    history = world.history()
    assert len(history.cgroups) == 220
    # 61 points of a time and twelve numbers, 8 bytes each.
    assert history.ring_bytes == 220 * 61 * 13 * 8
    assert history.ring_bytes <= 2 << 20


def test_the_default_settings_span_two_minutes() -> None:
    settings = Settings()
    assert (settings.depth - 1) * settings.interval_seconds == 120.0


def test_a_tree_that_is_not_there_is_a_problem_and_no_failure(tmp_path: Path) -> None:
    recorder = Recorder(str(tmp_path / "nowhere"))
    recorder.tick()
    history = recorder.history(HistoryRequest())
    assert (history.ticks, history.cgroups) == (1, [])
    assert "nowhere" in history.problems[0].detail


def test_ticks_tell_their_own_cost(world: World) -> None:
    world.tree.add_pod(1)
    world.tick()
    cost = world.history().cost
    assert cost is not None
    assert cost.wall_seconds > 0
    assert cost.cpu_seconds > 0


def test_the_root_is_remembered_as_the_kubelet_counts_it(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("memory\n")
    (tmp_path / "memory.stat").write_text("anon 500\nfile 300\ninactive_file 200\n")
    recorder = Recorder(str(tmp_path))
    recorder.tick()
    (tmp_path / "memory.stat").write_text("anon 600\nfile 300\ninactive_file 100\n")
    recorder.tick()
    for kept in ("anon 600\n", "file 300\n"):
        (tmp_path / "memory.stat").write_text(f"{kept}inactive_file 0\n")
        recorder.tick()
    root = recorder.history(HistoryRequest(pod_uids=[]), root=True).root
    recorder.close()

    assert root is not None
    assert (root.path, root.current_bytes, root.inactive_file_bytes) == (
        "/",
        [800, 900, None, None],
        [200, 100, 0, 0],
    )
    assert recorder.history(HistoryRequest()).root is None


def test_a_root_without_memory_stat_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("memory\n")
    recorder = Recorder(str(tmp_path))
    recorder.tick()
    root = recorder.history(HistoryRequest(pod_uids=[]), root=True).root
    recorder.close()

    assert root is not None
    assert root.times == []
