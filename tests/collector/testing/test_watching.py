"""Watches, changes and custom resources, by the official client: what it understands is the interface."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3
from kubernetes import client, watch
from kubernetes.config import new_client_from_config

from memcollect.testing import PODS, Cluster, StandInCluster, objects
from worlds.waiting import PATIENCE, wait_until

GROUP, PLURAL = "agents.example", "boxes"
DEFINITION: Any = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"{PLURAL}.{GROUP}"},
    "spec": {
        "group": GROUP,
        "scope": "Namespaced",
        "names": {"plural": PLURAL, "singular": "box", "kind": "Box", "shortNames": ["bx"]},
        "versions": [
            {
                "name": "v1alpha1",
                "served": True,
                "storage": False,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            },
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            },
        ],
    },
}


@pytest.fixture
def api(server: StandInCluster, tmp_path: Path) -> Iterator[Any]:
    made = new_client_from_config(str(server.kubeconfig(tmp_path / "config")))
    yield made
    made.close()


@pytest.fixture
def boxes(api: Any) -> "Boxes":
    client.ApiextensionsV1Api(api).create_custom_resource_definition(DEFINITION)
    return Boxes(api)


class Boxes:
    """Custom resources of the definition above."""

    def __init__(self, api: Any) -> None:
        self.of: Any = client.CustomObjectsApi(api)
        self.where: dict[str, Any] = {"group": GROUP, "version": "v1", "namespace": "team", "plural": PLURAL}

    def make(self, name: str, size: int = 1, **metadata: Any) -> Any:
        body = {
            "apiVersion": f"{GROUP}/v1",
            "kind": "Box",
            "metadata": {"name": name, **metadata},
            "spec": {"size": size, "of": ["wood"]},
            "status": {"full": False},
        }
        return self.of.create_namespaced_custom_object(**self.where, body=body)

    def watched(self, seconds: int = 1, **more: Any) -> list[tuple[str, Any]]:
        """Return what a watch tells until its time is over."""
        stream = watch.Watch().stream(
            self.of.list_namespaced_custom_object, **self.where, timeout_seconds=seconds, **more
        )
        return [(each["type"], each["object"]) for each in stream]


def names(told: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    return [(kind, each["metadata"]["name"]) for kind, each in told]


def test_a_definition_is_served_once_it_is_made_and_no_more_once_it_is_deleted(
    api: Any, boxes: Boxes, server: StandInCluster
) -> None:
    boxes.make("a")
    groups = client.ApisApi(api).get_api_versions().groups
    assert GROUP in [each.name for each in groups]
    (listed,) = boxes.of.list_namespaced_custom_object(**boxes.where)["items"]
    assert (listed["metadata"]["name"], listed["metadata"]["generation"]) == ("a", 1)
    client.ApiextensionsV1Api(api).delete_custom_resource_definition(f"{PLURAL}.{GROUP}")
    with pytest.raises(client.ApiException) as raised:
        boxes.of.list_namespaced_custom_object(**boxes.where)
    assert raised.value.status == 404
    assert [each for each in server.state.served if each.group == GROUP] == []


def test_a_merge_patch_changes_what_it_names_and_the_status_goes_by_its_own_path(boxes: Boxes) -> None:
    boxes.make("a", labels={"old": "1", "kept": "1"})
    patch = {
        "metadata": {"labels": {"old": None}},
        "spec": {"of": ["tin", "glass"]},
        "status": {"full": True},
    }
    told = boxes.of.patch_namespaced_custom_object(**boxes.where, name="a", body=patch)
    assert told["metadata"]["labels"] == {"kept": "1"}
    assert told["spec"] == {"size": 1, "of": ["tin", "glass"]}
    assert told["metadata"]["generation"] == 2
    assert told["status"] == {"full": False}
    told = boxes.of.patch_namespaced_custom_object_status(**boxes.where, name="a", body=patch)
    assert (told["status"], told["metadata"]["generation"]) == ({"full": True}, 2)


def test_what_has_changed_since_it_was_read_is_not_replaced(boxes: Boxes) -> None:
    read = boxes.make("a")
    boxes.of.patch_namespaced_custom_object(**boxes.where, name="a", body={"spec": {"size": 2}})
    with pytest.raises(client.ApiException) as raised:
        boxes.of.replace_namespaced_custom_object(**boxes.where, name="a", body=read)
    assert raised.value.status == 409
    assert "the object has been modified" in str(raised.value.body)
    present = boxes.of.get_namespaced_custom_object(**boxes.where, name="a")
    present["spec"] = {"size": 3}
    told = boxes.of.replace_namespaced_custom_object(**boxes.where, name="a", body=present)
    assert (told["spec"], told["metadata"]["uid"]) == ({"size": 3}, read["metadata"]["uid"])


def test_what_has_a_finalizer_goes_when_that_is_taken_away(boxes: Boxes) -> None:
    boxes.make("a", finalizers=["keeper.example/hold"])
    told = boxes.of.delete_namespaced_custom_object(**boxes.where, name="a")
    assert told["metadata"]["deletionTimestamp"]
    boxes.of.patch_namespaced_custom_object(**boxes.where, name="a", body={"metadata": {"finalizers": None}})
    assert boxes.of.list_namespaced_custom_object(**boxes.where)["items"] == []


def test_a_watch_tells_what_is_there_and_then_each_change(boxes: Boxes, cluster: Cluster) -> None:
    boxes.make("a")
    found: list[tuple[str, Any]] = []

    def follow() -> None:
        stream = watch.Watch()
        for each in stream.stream(
            boxes.of.list_namespaced_custom_object, **boxes.where, timeout_seconds=int(PATIENCE)
        ):
            found.append((each["type"], each["object"]))
            if each["type"] == "DELETED":
                stream.stop()

    follower = threading.Thread(target=follow)
    follower.start()
    wait_until(lambda: bool(found))
    boxes.make("b")
    boxes.of.patch_namespaced_custom_object(**boxes.where, name="b", body={"spec": {"size": 2}})
    boxes.of.delete_namespaced_custom_object(**boxes.where, name="a")
    follower.join(PATIENCE)
    assert names(found) == [("ADDED", "a"), ("ADDED", "b"), ("MODIFIED", "b"), ("DELETED", "a")]
    revisions = [int(each["metadata"]["resourceVersion"]) for _, each in found]
    assert revisions == sorted(set(revisions))
    assert cluster.requests.paths().count(f"/apis/{GROUP}/v1/namespaces/team/{PLURAL}") >= 2


def test_from_a_resource_version_only_what_came_after_is_told(boxes: Boxes) -> None:
    first = boxes.make("a")
    boxes.make("b")
    boxes.of.delete_namespaced_custom_object(**boxes.where, name="a")
    told = boxes.watched(resource_version=first["metadata"]["resourceVersion"])
    assert names(told) == [("ADDED", "b"), ("DELETED", "a")]
    assert int(told[1][1]["metadata"]["resourceVersion"]) > int(told[0][1]["metadata"]["resourceVersion"])


def test_what_begins_or_ceases_to_fit_the_selector_is_added_or_deleted(boxes: Boxes) -> None:
    first = boxes.make("a", labels={"state": "cold"})
    for state in ("warm", "hot", "cold"):
        body = {"metadata": {"labels": {"state": state}}}
        boxes.of.patch_namespaced_custom_object(**boxes.where, name="a", body=body)
    since = first["metadata"]["resourceVersion"]
    told = boxes.watched(resource_version=since, label_selector="state in (warm,hot)")
    assert [kind for kind, _ in told] == ["ADDED", "MODIFIED", "DELETED"]
    assert boxes.watched(resource_version=since, field_selector="metadata.name=z") == []


def test_a_forgotten_resource_version_is_gone_and_the_client_knows_it(boxes: Boxes, cluster: Cluster) -> None:
    first = boxes.make("a")
    boxes.make("b")
    cluster.store.compact()
    with pytest.raises(client.ApiException) as raised:
        boxes.watched(resource_version=first["metadata"]["resourceVersion"])
    assert raised.value.status == 410
    assert names(boxes.watched()) == [("ADDED", "a"), ("ADDED", "b")]


def test_bookmarks_come_to_who_allows_them(boxes: Boxes, cluster: Cluster) -> None:
    cluster.bookmark_seconds = 0.1
    boxes.make("a")
    cluster.put(PODS, objects.pod("team", "beside"))
    told = boxes.watched(allow_watch_bookmarks=True)
    marks = [each for kind, each in told if kind == "BOOKMARK"]
    assert int(marks[-1]["metadata"]["resourceVersion"]) == cluster.store.revision
    assert {kind for kind, _ in boxes.watched()} == {"ADDED"}


def test_pods_are_watched_too_and_a_server_that_stops_ends_it(cluster: Cluster, tmp_path: Path) -> None:
    seen: list[str] = []
    with StandInCluster(cluster) as server:
        api = new_client_from_config(str(server.kubeconfig(tmp_path / "config")))

        def follow() -> None:
            with contextlib.suppress(urllib3.exceptions.HTTPError, OSError):
                for each in watch.Watch().stream(client.CoreV1Api(api).list_namespaced_pod, "team"):
                    seen.append(each["object"].metadata.name)  # noqa: PERF401 -- one by one, as they come

        follower = threading.Thread(target=follow)
        follower.start()
        wait_until(lambda: len(seen) == 3)
        cluster.put(PODS, objects.pod("team", "new"))
        wait_until(lambda: "new" in seen)
    follower.join(PATIENCE)
    assert not follower.is_alive()
    api.close()


def test_another_kind_of_patch_is_refused_in_the_server_s_words(boxes: Boxes) -> None:
    boxes.make("a")
    with pytest.raises(client.ApiException) as raised:
        boxes.of.patch_namespaced_custom_object(
            **boxes.where,
            name="a",
            body=[{"op": "remove", "path": "/spec"}],
            _content_type="application/json-patch+json",
        )
    assert raised.value.status == 415
    assert "application/merge-patch+json" in str(raised.value.body)
