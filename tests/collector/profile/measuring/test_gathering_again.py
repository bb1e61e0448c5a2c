"""Sandboxes that come back after a release: which pod it is then, by UID."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from memcollect.documents.events import read_events
from memcollect.profile.record import Record
from memcollect.profile.sandboxes.source import Sandbox, SandboxError
from memcollect.profile.sandboxes.template import TemplateSource
from memcollect.profile.tools import Tools, Workshop
from memcollect.testing import PODS, Cluster
from worlds.gathering_stage import MANIFEST, RUN, TEMPLATE, GatheringStage
from worlds.profile_doubles import after
from worlds.waiting import PATIENCE

OLD = Sandbox(key="mc-1", namespace="team", pod="mc-1", container="main", uid="u1", requested_at=1.0)
LEAVING = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


class Reusing(TemplateSource):
    """Takes a sandbox again as the test says."""

    def __init__(self, reused: Callable[[], None]) -> None:
        super().__init__(TEMPLATE, RUN, MANIFEST)
        self._reused = reused

    def reuse(self, tools: Tools, sandbox: Sandbox) -> None:
        assert tools.api
        assert sandbox.key == OLD.key
        self._reused()


@pytest.fixture
def stage(state: Cluster, workshop: Workshop, tools: Tools, record: Record) -> GatheringStage:
    made = GatheringStage(state, workshop, tools, record)
    made.put("mc-1", "u1")
    return made


def each_look(*steps: Callable[[], None]) -> Callable[[], bool]:
    """Return a Ctrl-C that never comes; each time it is looked for, the next thing happens."""
    left = iter(steps)

    def happens() -> bool:
        next(left, lambda: None)()
        return False

    return happens


def test_the_same_pod_that_comes_back_has_its_uid(stage: GatheringStage) -> None:
    there = stage.gatherer().see(OLD)
    assert there.ready == [OLD]
    assert there.nodes == {"u1": "node-1"}


def test_a_pod_that_was_replaced_under_its_name_is_another_one(stage: GatheringStage) -> None:
    stage.put("mc-1", "u2")
    there = stage.gatherer().see(OLD)
    assert [(each.pod, each.uid) for each in there.ready] == [("mc-1", "u2")]
    assert there.nodes == {"u2": "node-1"}


def test_every_pod_that_was_seen_of_a_sandbox_is_remembered_the_last_one_last(stage: GatheringStage) -> None:
    gatherer = stage.gatherer()
    gatherer.see(OLD)
    stage.put("mc-1", "u2", phase="Pending")
    each_time = each_look(lambda: None, lambda: None, lambda: stage.put("mc-1", "u3"))
    replace(gatherer, stopped=each_time).see(OLD)
    assert gatherer.uids == {"mc-1": ["u1", "u2", "u3"]}


def test_when_somebody_else_asked_for_a_new_pod_is_not_known(stage: GatheringStage) -> None:
    stage.put("mc-1", "u2")
    (row,) = stage.gatherer().see(OLD).startups
    assert (row.pod_uid, row.requested_at) == ("u2", None)


def test_a_pod_on_its_way_out_is_not_what_was_brought_back(stage: GatheringStage) -> None:
    stage.put("mc-1", "u1", **LEAVING)
    gone = each_look(
        lambda: None,
        lambda: stage.state.remove(PODS, "mc-1", "team"),
        lambda: stage.put("mc-1", "u2", "Pending"),
        lambda: stage.put("mc-1", "u2"),
    )
    assert [each.uid for each in stage.gatherer(stopped=gone).see(OLD).ready] == ["u2"]


def test_one_that_nobody_brings_back_is_missing(stage: GatheringStage) -> None:
    stage.state.remove(PODS, "mc-1", "team")
    there = stage.gatherer(ready_within=0.1).see(OLD)
    assert there.ready == []
    assert [each.detail for each in there.missing] == ["no pod mc-1 was seen within 0.1 s"]
    # The UID of a pod that is no more must not be deleted or measured by.
    assert [each.uid for each in there.asked] == [""]


def test_ctrl_c_ends_the_waiting_for_one_that_comes_back(stage: GatheringStage) -> None:
    stage.put("mc-1", "u1", **LEAVING)
    assert stage.gatherer(ready_within=600, stopped=after(2)).see(OLD).ready == []


def test_the_old_pod_counts_no_more_once_the_answer_has_come(stage: GatheringStage, directory: Path) -> None:
    source = stage.prepared(Reusing(lambda: stage.put("mc-1", "u2")))
    (again,) = stage.gatherer(source).again(OLD).ready
    assert (again.uid, again.container) == ("u2", "main")
    assert again.requested_at is not None
    assert again.requested_at > 1.0
    assert [(each.kind, each.name) for each in read_events(directory)] == [
        ("reusing", "mc-1"),
        ("ready", "mc-1"),
    ]


def test_a_reuse_that_is_refused_is_missing_with_the_reason_although_the_old_pod_is_ready(
    stage: GatheringStage,
) -> None:
    def refused() -> None:
        raise SandboxError("no\nsuch\x1b[2J sandbox")

    there = stage.gatherer(stage.prepared(Reusing(refused)), ready_within=600).again(OLD)
    assert there.ready == []
    assert [each.detail for each in there.missing] == [r"no such\x1b[2J sandbox"]
    assert [each.uid for each in there.asked] == [""]


def test_ctrl_c_does_not_wait_for_a_reuse_that_hangs(stage: GatheringStage) -> None:
    gate = threading.Event()

    def hanging() -> None:
        gate.wait(PATIENCE)

    source = stage.prepared(Reusing(hanging))
    there = stage.gatherer(source, ready_within=600, stopped=after(1)).again(OLD)
    gate.set()
    assert (there.ready, len(there.missing)) == ([], 1)
