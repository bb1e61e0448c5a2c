import pytest

from memcollect.testing import NODES, POD_METRICS, PODS, objects
from memcollect.testing.failures import ApiError
from memcollect.testing.store import Store


def test_lists_are_ordered_by_key_and_not_by_namespace_then_name() -> None:
    store = Store()
    for namespace in ("team", "team-b"):
        store.put(PODS, objects.pod(namespace, "a"))
    # '-' sorts before '/', so that /team-b/a comes before /team/a: as in etcd.
    assert [stored.namespace for stored in store.all(PODS)] == ["team-b", "team"]


def test_an_object_is_kept_as_lists_carry_it_without_kind() -> None:
    stored = Store().put(NODES, {"kind": "Node", "apiVersion": "v1", **objects.node("n")})
    assert set(stored.decoded()) == {"metadata", "spec", "status"}


def test_a_change_raises_the_revision_and_a_metric_does_not() -> None:
    store = Store()
    before = store.revision
    store.put(POD_METRICS, objects.pod_metrics("team", "a", "2026-01-01T00:00:00Z", {"main": 1024}))
    assert store.revision == before
    store.put(PODS, objects.pod("team", "a"))
    assert store.revision == before + 1


def test_a_removed_object_is_not_found() -> None:
    store = Store()
    store.put(PODS, objects.pod("team", "a"))
    store.remove(PODS, "team", "a")
    with pytest.raises(ApiError, match='pods "a" not found'):
        store.get(PODS, "team", "a")
    assert store.all(PODS) == ()


def test_old_snapshots_are_forgotten_so_that_a_long_run_does_not_grow() -> None:
    store = Store()
    tokens = []
    for index in range(40):
        store.put(PODS, objects.pod("team", f"p{index}"))
        tokens.append(store.first_page(PODS, limit=1))
    assert len(store._snapshots) == 16
