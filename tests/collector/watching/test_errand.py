"""kubectl top's numbers, asked for beside everything else."""

import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from memcollect.documents.snapshot import Missing
from memcollect.kubernetes.usage import Metrics, PodUsage
from memcollect.sources import kube_config
from memcollect.sources.api import Patience
from memcollect.sources.pods import Selection
from memcollect.testing import POD_METRICS, Cluster, Fault, StandInCluster, objects
from memcollect.watching import errand
from memcollect.watching.errand import MetricsErrand, newer
from worlds.waiting import PATIENCE

GAP = Missing(kind="metrics", name="*", reason="metrics-unavailable", detail="down")
NUMBERS = {("a", "b"): PodUsage(namespace="a", name="b", timestamp=1.0)}


class Asked:
    """An errand to a stand-in server, and what has come of it."""

    def __init__(self, state: Cluster, cluster: kube_config.Cluster) -> None:
        self.state = state
        self.come: queue.SimpleQueue[Metrics] = queue.SimpleQueue()
        patience = Patience(timeout=PATIENCE, total=PATIENCE, tries=1)
        self.errand = MetricsErrand(cluster, patience, Selection(namespaces=["deer-flow"]), self.come.put)

    def answer(self) -> Metrics:
        return self.come.get(timeout=PATIENCE)


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    state = Cluster()
    state.put(POD_METRICS, objects.pod_metrics("deer-flow", "x", "2026-01-01T00:00:00Z", {"main": 5}))
    with StandInCluster(state) as server:
        yield Asked(state, kube_config.connect(str(server.kubeconfig(tmp_path / "config"))))


def test_the_first_time_it_is_asked_and_then_not_for_a_while(asked: Asked) -> None:
    assert asked.errand.ask()
    assert list(asked.answer().pods) == [("deer-flow", "x")]
    assert not asked.errand.ask()
    assert asked.come.empty()


def test_an_answer_that_comes_at_once_is_to_be_taken_all_the_same(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    class AtOnce(threading.Thread):
        def start(self) -> None:
            self.run()

    monkeypatch.setattr(errand, "threading", SimpleNamespace(Thread=AtOnce))
    assert asked.errand.ask()
    assert not asked.come.empty()
    assert not asked.errand.ask()


def test_when_it_is_time_it_is_asked_again(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errand, "EVERY_SECONDS", 0.0)
    for _ in range(2):
        assert asked.errand.ask()
        assert asked.answer().pods


def test_a_server_that_refuses_is_a_gap(asked: Asked) -> None:
    asked.state.fault(Fault("/apis/metrics.k8s.io", status=401, times=None))
    asked.errand.ask()
    assert [gap.reason for gap in asked.answer().gaps] == ["metrics-unavailable"]


def test_a_failure_leaves_the_numbers_that_are_known() -> None:
    assert newer(Metrics(pods=NUMBERS), Metrics(gaps=[GAP])) == Metrics(pods=NUMBERS, gaps=[GAP])


def test_an_answer_takes_the_place_of_the_last_one() -> None:
    assert newer(Metrics(pods=NUMBERS, gaps=[GAP]), Metrics()) == Metrics()
