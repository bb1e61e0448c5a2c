"""Asking for sandboxes and waiting until they are ready; test_gathering_again has those that come back."""

import itertools
import threading
from pathlib import Path

import pytest

from memcollect.documents.events import read_events
from memcollect.profile.plan.model import Selected
from memcollect.profile.record import Record
from memcollect.profile.sandboxes.selected import SelectedSource
from memcollect.profile.sandboxes.source import Sandbox, SandboxError
from memcollect.profile.sandboxes.template import TemplateSource
from memcollect.profile.tools import Tools, Workshop
from memcollect.testing import Cluster, Fault
from worlds.gathering_stage import MANIFEST, RUN, TEMPLATE, GatheringStage
from worlds.profile_doubles import after
from worlds.waiting import PATIENCE, wait_until

PATH = "/api/v1/namespaces/team/pods"
KEYS = ["mc-1", "mc-2", "mc-3"]


@pytest.fixture
def stage(state: Cluster, workshop: Workshop, tools: Tools, record: Record) -> GatheringStage:
    return GatheringStage(state, workshop, tools, record)


def told(directory: Path) -> list[tuple[str, str | None]]:
    return [(each.kind, each.name) for each in read_events(directory)]


def test_every_sandbox_that_is_ready_has_its_uid_its_container_and_its_node(stage: GatheringStage) -> None:
    there = stage.gatherer().gather(KEYS)
    assert [each.key for each in there.ready] == KEYS
    assert {each.container for each in there.ready} == {"main"}
    assert there.nodes == {each.uid: "node-1" for each in there.ready}
    assert len(there.nodes) == 3
    assert (there.asked, there.missing) == (there.ready, [])


def test_what_is_to_be_made_is_on_the_disk_before_it_is_asked_for(
    stage: GatheringStage, directory: Path
) -> None:
    seen: list[list[tuple[str, str | None]]] = []
    stage.on_made = lambda _name: seen.append(told(directory))
    stage.gatherer().gather(KEYS)
    asked = [("creating", key) for key in KEYS]
    assert [each[:3] for each in seen] == [asked] * 3
    assert told(directory) == [*asked, *(("ready", key) for key in KEYS)]


def test_a_startup_row_tells_when_it_was_asked_for_and_when_it_was_seen(stage: GatheringStage) -> None:
    (row,) = stage.gatherer().gather(["mc-1"]).startups
    assert row.requested_at is not None
    assert row.seen_running_at is not None
    assert row.seen_ready_at is not None
    assert row.requested_at <= row.seen_running_at <= row.seen_ready_at
    assert (row.pod, row.node, row.poll_seconds, row.reason) == ("mc-1", "node-1", 0.02, "")


def test_one_creation_of_many_that_is_refused_is_missing_alone(
    stage: GatheringStage, directory: Path
) -> None:
    stage.state.fault(Fault(PATH, method="POST", status=403))
    there = stage.gatherer().gather(KEYS)
    assert (len(there.asked), len(there.ready), len(there.startups)) == (3, 2, 3)
    (missing,) = there.missing
    (row,) = [each for each in there.startups if each.reason]
    assert (missing.kind, missing.reason) == ("sandbox", "not-ready")
    assert missing.name == f"team/{row.pod}"
    assert "You may not create pods" in missing.detail
    assert (row.reason, row.seen_ready_at) == (missing.detail, None)
    # It was asked for all the same, and a creation that fails may have worked.
    assert row.requested_at is not None
    assert sorted(kind for kind, _ in told(directory)) == ["creating"] * 3 + ["not-ready"] + ["ready"] * 2


def test_a_pod_that_is_late_is_missing_and_its_uid_is_known_for_its_deletion(stage: GatheringStage) -> None:
    stage.becomes["mc-2"] = "Pending"
    there = stage.gatherer(ready_within=0.3).gather(KEYS)
    assert [each.key for each in there.ready] == ["mc-1", "mc-3"]
    assert [each.detail for each in there.missing] == ["it was not ready within 0.3 s: Pending"]
    assert all(each.uid for each in there.asked)


def test_a_pod_that_has_ended_is_not_waited_for(stage: GatheringStage) -> None:
    stage.becomes["mc-1"] = "Failed"
    there = stage.gatherer(ready_within=600).gather(["mc-1"])
    assert [each.detail for each in there.missing] == ["the pod has ended: Failed"]


def test_a_look_that_fails_is_an_event_and_the_next_one_counts(
    stage: GatheringStage, directory: Path
) -> None:
    stage.state.fault(Fault(PATH, method="GET", status=500, times=2))
    there = stage.gatherer().gather(["mc-1"])
    assert len(there.ready) == 1
    kinds = [kind for kind, _ in told(directory)]
    assert kinds == ["creating", "look-failed", "look-failed", "ready"]


def test_ctrl_c_before_anything_was_asked_for_makes_nothing(stage: GatheringStage) -> None:
    there = stage.gatherer(stopped=after(0)).gather(KEYS)
    assert (there.ready, there.nodes, len(there.missing)) == ([], {}, 3)
    assert [each.requested_at for each in there.asked] == [None] * 3
    assert {each.detail for each in there.missing} == {"Interrupted before it was asked for."}
    assert stage.there() == []


def test_ctrl_c_while_pods_start_ends_the_waiting(stage: GatheringStage) -> None:
    stage.becomes = dict.fromkeys(KEYS, "Pending")
    there = stage.gatherer(ready_within=600, stopped=lambda: len(stage.there()) == 3).gather(KEYS)
    assert (there.ready, len(there.missing)) == ([], 3)
    assert all("when it was interrupted" in each.detail for each in there.missing)


def test_ctrl_c_waits_for_what_is_being_asked_for_so_that_it_can_be_deleted(stage: GatheringStage) -> None:
    stage.state.fault(Fault(PATH, method="POST", delay_seconds=0.2))
    begun = stage.state.requests
    there = stage.gatherer(stopped=lambda: any(each.method == "POST" for each in begun)).gather(["mc-1"])
    assert there.asked[0].requested_at is not None
    assert stage.there() == ["mc-1"]


def test_an_error_that_comes_after_the_last_look_is_the_reason(stage: GatheringStage) -> None:
    stage.state.fault(Fault(PATH, method="POST", status=403, delay_seconds=0.4))
    (missing,) = stage.gatherer(ready_within=0.3).gather(["mc-1"]).missing
    assert "You may not create pods" in missing.detail


def test_a_pod_that_comes_although_its_creation_failed_has_a_time_at_which_it_was_asked_for(
    stage: GatheringStage,
) -> None:
    looks = itertools.count()
    looked = threading.Event()

    class Unanswered(TemplateSource):
        def make(self, tools: Tools, sandbox: Sandbox) -> None:
            super().make(tools, sandbox)
            assert looked.wait(PATIENCE)
            raise SandboxError("no answer came")

    def happens() -> bool:
        if len(stage.there()) == 2 and next(looks) > 2:
            looked.set()
        return False

    source = stage.prepared(Unanswered(TEMPLATE, RUN, MANIFEST))
    stage.becomes["mc-2"] = "Pending"
    there = stage.gatherer(source, stopped=happens).gather(["mc-1", "mc-2"])
    assert [each.key for each in there.ready] == ["mc-1"]
    assert [each.detail for each in there.missing] == ["no answer came"]
    assert all(each.requested_at is not None for each in there.asked)
    assert all(row.requested_at is not None for row in there.startups)


def test_what_is_still_in_the_queue_when_the_time_is_over_is_not_asked_for(stage: GatheringStage) -> None:
    asked: list[str] = []
    gate = threading.Event()

    class Busy(TemplateSource):
        def make(self, tools: Tools, sandbox: Sandbox) -> None:
            del tools
            asked.append(sandbox.key)
            assert gate.wait(PATIENCE)

    source = stage.prepared(Busy(TEMPLATE, RUN, MANIFEST))
    # More than are asked for at once.
    there = stage.gatherer(source, ready_within=0.2).gather([f"mc-{number}" for number in range(12)])
    known = len(asked)
    gate.set()
    wait_until(lambda: not [each for each in threading.enumerate() if "profile worker" in each.name])
    assert (len(asked), known, len(there.missing)) == (8, 8, 12)
    assert [each.requested_at is None for each in there.asked].count(True) == 4


def test_a_ready_pod_that_is_replaced_while_others_are_waited_for_is_waited_for_again(
    stage: GatheringStage,
) -> None:
    stage.becomes["mc-2"] = "Pending"
    replaced = iter([lambda: None] * 20 + [lambda: stage.put("mc-1", "another", "Pending")])

    def happens() -> bool:
        next(replaced, lambda: None)()
        return False

    there = stage.gatherer(ready_within=2.0, stopped=happens).gather(["mc-1", "mc-2"])
    assert there.ready == []
    assert there.asked[0].uid == "another"
    assert [each.seen_ready_at for each in there.startups] == [None, None]


@pytest.mark.parametrize(
    ("message", "pulled"),
    [("Successfully pulled image in 3s", True), ("Container image already present", False), (None, None)],
)
def test_whether_an_image_was_pulled_is_told_by_the_pods_events(
    stage: GatheringStage, message: str | None, pulled: object
) -> None:
    stage.pulled = message
    assert [each.pulled for each in stage.gatherer().gather(["mc-1"]).startups] == [pulled]


def test_pods_that_are_there_are_neither_asked_for_nor_have_they_a_startup(
    stage: GatheringStage, tools: Tools, directory: Path
) -> None:
    source = SelectedSource(Selected(namespace="team", selector="memcollect/run"))
    stage.put("theirs", "u")
    source.prepare(tools)
    there = stage.gatherer(source).gather(["mc-1"])
    assert [(each.pod, each.uid, each.requested_at) for each in there.ready] == [("theirs", "u", None)]
    assert (there.startups, told(directory)) == ([], [])
