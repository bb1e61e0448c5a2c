"""Sandboxes whose creation had no answer: their pods may come after the deletion, and are then deleted."""

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from memcollect.documents.events import read_events
from memcollect.documents.run import Event
from memcollect.profile.record import Record
from memcollect.profile.sandboxes import cleanup
from memcollect.profile.sandboxes.cleanup import Cleaner, asked_since
from memcollect.profile.sandboxes.source import Sandbox, SandboxError
from memcollect.profile.sandboxes.template import TemplateSource
from memcollect.profile.tools import Tools, Workshop
from memcollect.testing import Cluster, Fault
from worlds.gathering_stage import MANIFEST, RUN, TEMPLATE, GatheringStage
from worlds.waiting import PATIENCE

PATH = "/api/v1/namespaces/team/pods"


class Slow(TemplateSource):
    """Has not heard of `silent`; `on_delete` happens after each deletion that was asked for."""

    def __init__(self, silent: set[str], late_seconds: float, on_delete: Callable[[str], None]) -> None:
        super().__init__(TEMPLATE, RUN, MANIFEST)
        self.unanswered = frozenset(silent)
        self.late_seconds = late_seconds
        self.asked: list[str] = []
        self._on_delete = on_delete

    def delete(self, tools: Tools, sandbox: Sandbox) -> None:
        super().delete(tools, sandbox)
        self.asked.append(sandbox.key)
        self._on_delete(sandbox.key)

    def left_behind(self, tools: Tools, asked_for: object) -> list[Sandbox]:
        del tools
        assert isinstance(asked_for, list)
        return [self.place(key) for key in asked_for]


class Late:
    """A cluster, and a cleaner of what a slow source has made in it."""

    def __init__(self, stage: GatheringStage, workshop: Workshop, tools: Tools, record: Record) -> None:
        self.stage = stage
        self.said: list[str] = []
        self._workshop, self._tools, self._record = workshop, tools, record

    def cleaner(
        self, silent: set[str], seconds: float, on_delete: Callable[[str], None] = lambda _key: None
    ) -> tuple[Cleaner, Slow]:
        source = Slow(silent, seconds, on_delete)
        source.prepare(self._tools)
        cleaner = Cleaner(
            source=source,
            workshop=self._workshop,
            tools=self._tools,
            record=self._record,
            gone_seconds=10.0,
            say=self.said.append,
        )
        return cleaner, source


@pytest.fixture
def late(state: Cluster, workshop: Workshop, tools: Tools, record: Record) -> Late:
    return Late(GatheringStage(state, workshop, tools, record), workshop, tools, record)


def kinds(directory: Path) -> list[tuple[str, str | None]]:
    return [(each.kind, each.name) for each in read_events(directory)]


def once(function: Callable[[str], None]) -> Callable[[str], None]:
    done: set[str] = set()

    def first(key: str) -> None:
        if key not in done:
            done.add(key)
            function(key)

    return first


def test_a_pod_that_comes_after_its_deletion_is_deleted(late: Late, directory: Path) -> None:
    cleaner, source = late.cleaner(
        {"mc-1", "mc-2"}, 2 * PATIENCE, once(lambda key: late.stage.put(key, f"u-{key}"))
    )
    began = time.monotonic()
    assert cleaner.delete([source.place(key) for key in ("mc-1", "mc-2")]) == []
    assert late.stage.there() == []
    # When all have come there is nothing more to wait for.
    assert time.monotonic() - began < PATIENCE
    assert kinds(directory) == [
        ("came-late", "mc-1"),
        ("came-late", "mc-2"),
        ("deleted", "mc-1"),
        ("deleted", "mc-2"),
    ]
    assert late.said == ["2 sandboxes may come late, after no answer: looking for 120 s"]


def test_one_that_never_comes_is_looked_for_so_long_and_is_then_deleted(late: Late, directory: Path) -> None:
    cleaner, source = late.cleaner({"mc-1"}, 0.6)
    began = time.monotonic()
    assert cleaner.delete([source.place("mc-1")]) == []
    assert 0.6 <= time.monotonic() - began < PATIENCE
    assert kinds(directory) == [("deleted", "mc-1")]


def test_what_is_there_or_was_answered_is_not_looked_for_again(late: Late) -> None:
    late.stage.put("mc-1", "u1")
    cleaner, source = late.cleaner({"mc-1"}, 2 * PATIENCE)
    began = time.monotonic()
    assert cleaner.delete([source.place(key) for key in ("mc-1", "mc-2")]) == []
    assert time.monotonic() - began < PATIENCE
    assert sorted(source.asked) == ["mc-1", "mc-2"]
    assert (late.stage.there(), late.said) == ([], [])


def test_a_deletion_that_failed_is_forgiven_where_the_pod_then_comes_and_goes(late: Late) -> None:
    def fails(key: str) -> None:
        late.stage.put(key, "u1")
        raise SandboxError("no answer")

    cleaner, source = late.cleaner({"mc-1"}, 5.0, once(fails))
    assert cleaner.delete([source.place("mc-1")]) == []
    assert late.stage.there() == []


def test_a_deletion_that_failed_stays_a_fault_where_no_pod_comes(late: Late) -> None:
    def fails(_key: str) -> None:
        raise SandboxError("no answer")

    cleaner, source = late.cleaner({"mc-1"}, 0.3, fails)
    assert [each.detail for each in cleaner.delete([source.place("mc-1")])] == ["no answer"]


def test_a_look_that_fails_is_no_sandbox_that_stays_away(late: Late, state: Cluster, directory: Path) -> None:
    def comes(key: str) -> None:
        late.stage.put(key, "u1")
        state.fault(Fault(PATH, method="GET", status=500, times=2))

    cleaner, source = late.cleaner({"mc-1"}, 10.0, once(comes))
    assert cleaner.delete([source.place("mc-1")]) == []
    assert late.stage.there() == []
    assert ("look-failed", None) in kinds(directory)


@pytest.mark.parametrize("status", [401, 403])
def test_whoever_may_not_see_them_go_does_not_wait_until_they_must_be_gone(
    late: Late, state: Cluster, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(cleanup, "_REFUSED_SECONDS", 0.1)

    def refuse(_key: str) -> None:
        state.fault(Fault(PATH, method="GET", status=status, times=None))

    cleaner, source = late.cleaner(set(), 0.0, refuse)
    cleaner = dataclasses.replace(cleaner, gone_seconds=3600.0)
    (missing,) = cleaner.delete([source.place("mc-1")])
    assert missing.detail.startswith("whether its pod is gone is not known: ")


def test_what_cannot_be_seen_is_not_said_to_be_there(late: Late, state: Cluster) -> None:
    def fail(_key: str) -> None:
        state.fault(Fault(PATH, method="GET", status=500, times=None))

    cleaner, source = late.cleaner(set(), 0.0, fail)
    cleaner = dataclasses.replace(cleaner, gone_seconds=0.3)
    (missing,) = cleaner.delete([source.place("mc-1")])
    assert missing.detail.startswith("whether its pod is gone is not known: ")


@pytest.mark.parametrize(("age", "looks"), [(0.0, True), (0.3, True), (100.0, False)])
def test_after_a_crash_nobody_knows_the_answers_to_the_last_requests(
    late: Late, age: float, *, looks: bool
) -> None:
    cleaner, source = late.cleaner(set(), 0.6, once(lambda key: late.stage.put(key, "u1") if looks else None))
    asked = [Event(at=time.time() - age, kind="creating", name="mc-1")]
    assert cleaner.sweep(asked) == []
    assert late.stage.there() == []
    assert len(source.asked) == 1 + looks
    assert any("may come late" in each for each in late.said) == looks


def test_what_was_asked_for_again_lately_counts_too() -> None:
    events = [
        Event(at=1.0, kind="creating", name="a"),
        Event(at=1.0, kind="creating", name="b"),
        Event(at=9.0, kind="reusing", name="b"),
        Event(at=9.0, kind="ready", name="c"),
        Event(at=9.0, kind="creating", name="d"),
    ]
    assert asked_since(events, 5.0) == {"b", "d"}
