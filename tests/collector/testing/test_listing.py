import json
from pathlib import Path

import pytest

from memcollect.testing import PODS, Cluster, objects
from memcollect.testing.failures import ApiError
from memcollect.testing.listing import ListOptions, options, page


def names(cluster: Cluster, namespace: str = "", **asked: object) -> list[str]:
    found = page(cluster.store, PODS, namespace, ListOptions(**asked))  # type: ignore[arg-type]
    return [stored.fields["metadata.name"] for stored in found.items]


def test_a_list_of_one_namespace_leaves_its_neighbours_out(cluster: Cluster) -> None:
    assert names(cluster, "team") == ["a", "b", "c"]


def test_selectors_of_labels_and_fields_narrow_a_list(cluster: Cluster) -> None:
    assert names(cluster, label_selector="app=web", field_selector="spec.nodeName=node-1") == ["d", "a"]
    assert names(cluster, field_selector="status.phase!=Running") == ["e"]


def test_pages_join_to_the_whole_list(cluster: Cluster) -> None:
    seen, token = [], ""
    while True:
        part = page(cluster.store, PODS, "", ListOptions(limit=2, token=token))
        seen += [stored.key for stored in part.items]
        if not (token := part.token):
            break
        assert part.remaining == 5 - len(seen)
    assert seen == [stored.key for stored in cluster.store.all(PODS)]


def test_pages_of_one_namespace_go_on_inside_it(cluster: Cluster) -> None:
    first = page(cluster.store, PODS, "team", ListOptions(limit=2))
    rest = page(cluster.store, PODS, "team", ListOptions(limit=2, token=first.token))
    assert [stored.fields["metadata.name"] for stored in rest.items] == ["c"]
    assert not rest.token


def test_with_a_selector_the_number_that_remains_is_not_told(cluster: Cluster) -> None:
    part = page(cluster.store, PODS, "", ListOptions(limit=1, label_selector="app=web"))
    assert part.token
    assert part.remaining is None


def test_later_pages_show_the_list_as_it_was_at_the_first(cluster: Cluster) -> None:
    first = page(cluster.store, PODS, "team", ListOptions(limit=1))
    cluster.put(PODS, objects.pod("team", "bb"))
    cluster.remove(PODS, "c", "team")
    rest = page(cluster.store, PODS, "team", ListOptions(token=first.token))
    assert [stored.fields["metadata.name"] for stored in rest.items] == ["b", "c"]
    assert rest.revision == first.revision


def test_a_forgotten_page_is_gone_and_tells_how_to_go_on_inconsistently(cluster: Cluster) -> None:
    first = page(cluster.store, PODS, "", ListOptions(limit=3))
    cluster.put(PODS, objects.pod("team", "z"))
    cluster.store.compact()
    with pytest.raises(ApiError) as caught:
        page(cluster.store, PODS, "", ListOptions(limit=3, token=first.token))
    assert (caught.value.code, caught.value.status["reason"]) == (410, "Expired")
    token = caught.value.status["metadata"]["continue"]
    rest = page(cluster.store, PODS, "", ListOptions(token=token))
    whole = {stored.key for stored in cluster.store.all(PODS)}
    assert {stored.key for stored in first.items} | {stored.key for stored in rest.items} == whole


def test_resource_version_zero_takes_no_notice_of_the_limit(cluster: Cluster) -> None:
    found = page(cluster.store, PODS, "", ListOptions(limit=2, resource_version="0"))
    assert len(found.items) == 5
    assert not found.token


def test_the_continue_token_is_the_recorded_one_to_the_byte(api_recordings: Path) -> None:
    recorded = json.loads((api_recordings / "pods-limit-2-with-continue.json").read_bytes())
    cluster = Cluster()
    for item in recorded["items"]:
        cluster.put(PODS, item)
    for name in ("sandbox-c", "sandbox-d"):
        cluster.put(PODS, objects.pod("deer-flow", name))
    cluster.store.revision = int(recorded["metadata"]["resourceVersion"])
    found = page(cluster.store, PODS, "", ListOptions(limit=2))
    assert found.token == recorded["metadata"]["continue"]
    assert found.remaining == recorded["metadata"]["remainingItemCount"]


@pytest.mark.parametrize("query", [{"limit": ["x"]}, {"limit": ["-1"]}])
def test_a_limit_that_is_no_count_is_a_bad_request(query: dict[str, list[str]]) -> None:
    with pytest.raises(ApiError) as caught:
        options(query)
    assert caught.value.code == 400


@pytest.mark.parametrize("token", ["x", "%%%", "e30", "bnVsbA"])
def test_a_token_that_is_none_is_a_bad_request(cluster: Cluster, token: str) -> None:
    with pytest.raises(ApiError) as caught:
        page(cluster.store, PODS, "", ListOptions(token=token))
    assert caught.value.code == 400
