import json
from collections.abc import Iterator
from typing import Any

import pytest

from memcollect.documents.snapshot import Missing
from memcollect.errors import AnswerError
from memcollect.kubernetes.objects import Pod
from memcollect.sources import pages
from memcollect.sources.api import Api
from memcollect.sources.pages import Listing, items
from memcollect.sources.rights import Right
from memcollect.testing import PODS, Cluster, Fault, objects

PATH = "/api/v1/pods"
LISTING = Listing(PATH, Right("list", "pods"), Pod)


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 4)


def names(pods: Iterator[Pod]) -> list[str]:
    return [pod.metadata.name for pod in pods]


def fill(state: Cluster, count: int) -> list[str]:
    for number in range(count):
        state.put(PODS, objects.pod("team", f"web-{number}"))
    return [f"web-{number}" for number in range(count)]


def page(*documents: Any, then: str = "") -> bytes:
    return json.dumps({"metadata": {"continue": then}, "items": documents}).encode()


def test_a_long_list_comes_page_by_page(api: Api, state: Cluster, told: list[Missing]) -> None:
    expected = fill(state, 10)
    assert names(items(api, LISTING, told.append)) == expected
    assert len(state.requests) == 3


def test_no_more_is_asked_for_than_is_taken(api: Api, state: Cluster, told: list[Missing]) -> None:
    fill(state, 10)
    assert next(items(api, LISTING, told.append)).metadata.name == "web-0"
    assert len(state.requests) == 1


def test_an_empty_list_is_empty(api: Api, told: list[Missing]) -> None:
    assert names(items(api, LISTING, told.append)) == []


def test_a_list_that_grows_stale_is_begun_again_and_gives_each_object_once(
    api: Api, state: Cluster, told: list[Missing]
) -> None:
    expected = fill(state, 10)
    listing = items(api, LISTING, told.append)
    first = [next(listing).metadata.name for _ in range(4)]
    state.fault(Fault(PATH, status=410))
    assert first + names(listing) == expected
    assert len(state.requests) == 1 + 1 + 3


def test_a_list_that_is_always_stale_is_given_up(api: Api, state: Cluster, told: list[Missing]) -> None:
    fill(state, 10)
    state.fault(Fault(PATH, status=410, times=None))
    with pytest.raises(AnswerError, match="410"):
        names(items(api, LISTING, told.append))
    assert len(state.requests) == 1 + pages.RESTARTS


def test_a_version_is_not_sent_beside_a_token(api: Api, state: Cluster, told: list[Missing]) -> None:
    fill(state, 6)
    listing = Listing(PATH, LISTING.right, Pod, [("resourceVersion", "0")])
    state.fault(Fault(PATH, body=page(objects.pod("team", "cached"), then="next")))
    state.fault(Fault(PATH, body=page(objects.pod("team", "last"))))
    assert names(items(api, listing, told.append)) == ["cached", "last"]
    first, second = state.requests
    assert first.query["resourceVersion"] == ["0"]
    assert "resourceVersion" not in second.query


def test_one_malformed_object_does_not_spoil_its_page(api: Api, state: Cluster, told: list[Missing]) -> None:
    broken = objects.pod("team", "broken")
    broken["status"]["containerStatuses"] = "none"
    state.fault(Fault(PATH, body=page(objects.pod("team", "good"), broken, {"metadata": 5}, 7)))
    assert names(items(api, LISTING, told.append)) == ["good"]
    assert [(m.kind, m.name, m.reason) for m in told] == [
        ("pod", "team/broken", "malformed"),
        ("pod", "?", "malformed"),
        ("pod", "?", "malformed"),
    ]
    assert "containerStatuses" in told[0].detail


def test_an_answer_that_is_no_list_is_an_error(api: Api, state: Cluster, told: list[Missing]) -> None:
    state.fault(Fault(PATH, body=b'"hello"'))
    with pytest.raises(AnswerError, match="is not Kubernetes"):
        names(items(api, LISTING, told.append))


def test_of_very_many_strange_objects_the_first_are_named_and_the_others_counted(
    api: Api, state: Cluster, told: list[Missing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_TOLD", 3)
    state.fault(Fault(PATH, body=page(*[0] * 10, objects.pod("team", "web"))))
    assert names(items(api, LISTING, told.append)) == ["web"]
    assert [each.name for each in told] == ["?", "?", "?", "7 others"]
    assert "10 objects of a strange shape" in told[-1].detail
