import logging
import threading
from pathlib import Path

import pytest

from memcollect_agent.errors import StalledError
from memcollect_agent.history import Recorder, Settings, Ticker
from memcollect_agent.history import recorder as recorder_module
from memcollect_agent.history import ticker as ticker_module
from memcollect_agent.wire import HistoryRequest
from worlds.pod_tree import PodTree
from worlds.waiting import PATIENCE, wait_until


class Counting(Recorder):
    """Lets the test wait until so many ticks were made, and fail or delay one."""

    def __init__(self, root: Path, interval: float, enough: int) -> None:
        super().__init__(str(root), Settings(interval_seconds=interval))
        self.enough = threading.Event()
        self._left = enough
        self.fault: Exception | None = None
        self.hold_first: threading.Event | None = None

    def tick(self) -> None:
        hold, self.hold_first = self.hold_first, None
        if hold is not None:
            hold.wait(0.2)
        super().tick()
        self._left -= 1
        if self._left <= 0:
            self.enough.set()
        if self.fault is not None:
            raise self.fault


def test_it_ticks_at_once_and_again_until_it_is_left(tmp_path: Path) -> None:
    tree = PodTree(tmp_path)
    tree.add_pod(1)
    recorder = Counting(tree.cgroup, 0.01, enough=3)
    with Ticker(recorder):
        assert recorder.enough.wait(60)
    ticks = recorder.history(HistoryRequest()).ticks
    assert ticks >= 3


def test_it_says_whether_its_thread_runs(tmp_path: Path) -> None:
    ticker = Ticker(Counting(tmp_path, 0.01, enough=1))
    states = [ticker.alive]
    with ticker:
        states.append(ticker.alive)
    states.append(ticker.alive)
    assert states == [False, True, False]


def test_leaving_does_not_wait_for_the_next_tick(tmp_path: Path) -> None:
    recorder = Counting(tmp_path, 3600.0, enough=1)
    with Ticker(recorder) as ticker:
        assert recorder.enough.wait(60)
    assert not ticker.alive


def test_ticks_that_fell_into_a_delay_are_counted_as_missed(tmp_path: Path) -> None:
    recorder = Counting(tmp_path, 0.05, enough=2)
    recorder.hold_first = threading.Event()
    with Ticker(recorder):
        assert recorder.enough.wait(60)
    assert recorder.history(HistoryRequest()).missed_ticks >= 2


def test_a_fault_in_a_tick_does_not_end_the_ticking_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Counting(tmp_path, 0.01, enough=4)
    recorder.fault = RuntimeError("broken\x1b[2J")
    with caplog.at_level(logging.WARNING), Ticker(recorder):
        assert recorder.enough.wait(60)
    said = [record.getMessage() for record in caplog.records]
    assert said == ["a tick of the history failed: RuntimeError('broken\\x1b[2J')"]


def test_a_tick_that_does_not_come_back_is_told_though_its_thread_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticker_module, "STALLED_SECONDS", 0.0)
    monkeypatch.setattr(recorder_module, "PATIENCE_SECONDS", 0.01)
    recorder = Counting(tmp_path, 0.01, enough=1)
    with recorder._lock, Ticker(recorder) as ticker:
        wait_until(lambda: ticker.stalled_seconds > 0)
        assert ticker.alive
        with pytest.raises(StalledError, match="has not ended"):
            recorder.history(HistoryRequest())
    assert recorder.enough.wait(PATIENCE)
