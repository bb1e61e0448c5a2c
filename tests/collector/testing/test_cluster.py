import datetime as dt
from pathlib import Path

import pytest

from memcollect.testing import NAMESPACES, NODE_METRICS, NODES, POD_METRICS, PODS, Cluster, objects
from memcollect.testing.failures import ApiError


def test_a_recording_is_loaded_whole(recorded: Path) -> None:
    cluster = Cluster.from_recording(recorded)
    counts = [len(cluster.store.all(resource)) for resource in (PODS, POD_METRICS, NODES, NODE_METRICS)]
    assert counts[0] == counts[1] > 0
    assert counts[2:] == [1, 1]
    assert {found.namespace for found in cluster.store.all(PODS)} == {
        found.fields["metadata.name"] for found in cluster.store.all(NAMESPACES)
    }


def test_a_file_that_is_not_recorded_is_an_empty_list(tmp_path: Path) -> None:
    (tmp_path / "nodes.json").write_text('{"items": []}')
    assert Cluster.from_recording(tmp_path).store.all(PODS) == ()


def test_a_forward_leads_where_it_was_said_last() -> None:
    cluster = Cluster()
    assert cluster.backend("team", "a", 80) is None
    cluster.forward("team", "a", 80, to=("127.0.0.1", 1))
    cluster.forward("team", "a", 80, to=("127.0.0.1", 2))
    assert cluster.backend("team", "a", 80) == ("127.0.0.1", 2)
    assert cluster.backend("team", "a", 81) is None


def test_what_is_removed_is_gone() -> None:
    cluster = Cluster()
    cluster.put(PODS, objects.pod("team", "a"))
    cluster.remove(PODS, "a", "team")
    with pytest.raises(ApiError, match="not found"):
        cluster.remove(PODS, "a", "team")


def test_new_objects_carry_the_clocks_time() -> None:
    cluster = Cluster(clock=lambda: dt.datetime(2026, 2, 3, 4, 5, 6, tzinfo=dt.UTC))
    admitted = cluster.admit(PODS, "team", {"metadata": {"name": "a"}})
    assert admitted["metadata"]["creationTimestamp"] == "2026-02-03T04:05:06Z"
