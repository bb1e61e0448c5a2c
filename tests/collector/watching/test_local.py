"""This machine's rounds, on a tree of files."""

import time
from pathlib import Path

import pytest

from memcollect.errors import UnsupportedError
from memcollect.live.frame import frame_of
from memcollect.live.model import Frame, World
from memcollect.taking.local import LocalRequest
from memcollect.watching.local import LocalWatch
from worlds.pod_tree import PodTree, container_id, uid
from worlds.waiting import PATIENCE

MIB = 1 << 20


@pytest.fixture
def tree(tmp_path: Path) -> PodTree:
    return PodTree(tmp_path)


def _watch(tree: PodTree) -> LocalWatch:
    return LocalWatch(
        LocalRequest(
            cgroup_root=str(tree.cgroup),
            proc_root=str(tree.proc),
            sys_root=str(tree.sys),
            log_root=str(tree.sys / "none"),
        )
    )


def _round(watch: LocalWatch) -> Frame:
    return _frame(watch.round(1.0, lambda _: None, lambda: False))


def _frame(world: World) -> Frame:
    return frame_of(world, time.monotonic(), 1e9, "name")


def test_a_round_has_this_machines_pods_and_no_column_of_kubectl_top(tree: PodTree) -> None:
    tree.add_pod(1, 1, current=100 * MIB, anon=90 * MIB, inactive_anon=90 * MIB)
    frame = _round(_watch(tree))
    (shown,) = frame.rows
    assert shown.row.name == uid(1)
    assert shown.row.parts is not None
    assert (shown.row.parts.anon.bytes, shown.row.parts.other_bytes) == (90 * MIB, 10 * MIB)
    assert not frame.with_top
    assert frame.is_complete


def test_growth_is_known_from_the_second_round_on(tree: PodTree) -> None:
    directory = tree.add_pod(1, 1, current=100 * MIB)
    watch = _watch(tree)
    assert _round(watch).rows[0].row.growth is None
    tree.write(directory / container_id(1), 120 * MIB)
    watch.wait(0.05, lambda _: None, lambda: False)
    growth = _round(watch).rows[0].row.growth
    assert growth is not None
    assert growth.change_bytes == 20 * MIB
    assert growth.per_minute_bytes is None


def test_a_pod_that_goes_is_told_once_more(tree: PodTree) -> None:
    tree.add_pod(1, 1, current=100 * MIB)
    second = tree.add_pod(2, 2, current=50 * MIB)
    watch = _watch(tree)
    _round(watch)
    tree.remove(second)
    (gone,) = _round(watch).departed
    assert (gone.name, gone.working_set_bytes) == (uid(2), 50 * MIB)


def test_what_cannot_be_measured_is_an_error_at_first_and_stale_later(tree: PodTree) -> None:
    with pytest.raises(UnsupportedError):
        _round(_watch(tree))
    tree.add_pod(1, 1, current=100 * MIB)
    watch = _watch(tree)
    _round(watch)
    tree.remove(tree.pod(1))
    frame = _round(watch)
    assert [shown.stale for shown in frame.rows] == [True]
    assert [missing.reason for missing in frame.missing] == ["unavailable"]


def test_waiting_is_over_when_it_is_stopped(tree: PodTree) -> None:
    tree.add_pod(1, 1, current=100 * MIB)
    began = time.monotonic()
    _watch(tree).wait(2 * PATIENCE, lambda _: None, lambda: True)
    assert time.monotonic() - began < PATIENCE
