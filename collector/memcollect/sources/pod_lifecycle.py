"""Pods that come and go: create, look, delete, and whether an image was pulled for one.

Deleting names the UID as a precondition: a pod of the same name that somebody else has made since stays.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from memcollect.errors import AnswerError, ClusterError, MissingError
from memcollect.kubernetes.objects import Metadata, Pod
from memcollect.sources.api import Api
from memcollect.sources.names import checked
from memcollect.sources.pages import Listing, items
from memcollect.sources.pods import pods_path
from memcollect.sources.rights import Right

_POD = msgspec.json.Decoder(Pod)
_ANY = msgspec.json.Decoder(dict[str, Any])
_CONFLICT = 409


FEW = 5
"""Up to so many pods are asked for one by one; of more, the events of their whole namespace are listed."""


class _About(Struct, frozen=True):
    uid: str = ""


class _Event(Struct, frozen=True, rename="camel"):
    metadata: Metadata
    involved_object: _About = _About()
    reason: str | None = None
    message: str | None = None


def create_pod(api: Api, namespace: str, manifest: Mapping[str, Any]) -> Pod:
    """Return the pod made from `manifest`. Raises a ClusterError.

    Where an earlier try has made it although its answer was lost, that pod is returned: it has the same
    name and all the labels.
    """
    right = Right("create", "pods", namespace=namespace)
    path = pods_path(checked("namespace", namespace))
    try:
        return api.decode(_POD, api.post(path, right, manifest), path)
    except AnswerError as error:
        if error.status != _CONFLICT:
            raise
        there = get_pod(api, namespace, str(manifest["metadata"]["name"]))
        labels = manifest["metadata"].get("labels", {})
        if there is None or not labels or not labels.items() <= there.metadata.labels.items():
            raise
        return there


def get_pod(api: Api, namespace: str, name: str) -> Pod | None:
    """Return a pod, None where there is none of that name. Raises a ClusterError."""
    right = Right("get", "pods", namespace=namespace, name=name)
    try:
        return api.get_as(_POD, f"{pods_path(namespace)}/{checked('pod', name)}", right)
    except MissingError:
        return None


def whole_pod(api: Api, namespace: str, name: str) -> dict[str, Any]:
    """Return a pod with everything in it, as the API has it. Raises a ClusterError."""
    right = Right("get", "pods", namespace=namespace, name=name)
    return api.get_as(_ANY, f"{pods_path(namespace)}/{checked('pod', name)}", right)


def delete_pod(api: Api, namespace: str, name: str, uid: str) -> bool:
    """Delete the pod of that name and UID; False where it is gone already. Raises a ClusterError."""
    right = Right("delete", "pods", namespace=namespace, name=name)
    options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": {"uid": uid}}
    try:
        api.delete(f"{pods_path(namespace)}/{checked('pod', name)}", right, options)
    except MissingError:
        return False
    except AnswerError as error:
        if error.status == _CONFLICT:
            return False
        raise
    return True


def images_pulled(api: Api, namespace: str, uids: Collection[str]) -> dict[str, bool | None]:
    """Return by UID whether an image was pulled for a pod; None where its events do not tell.

    All None where events cannot be had. The kubelet writes one event of reason Pulled for each container,
    which says either that the image was pulled or that it was there (pkg/kubelet/images/image_manager.go).
    """
    found: dict[str, bool | None] = dict.fromkeys(uids)
    of_one = [f"involvedObject.uid={uid},reason=Pulled" for uid in uids]
    selectors = of_one if len(of_one) <= FEW else ["involvedObject.kind=Pod,reason=Pulled"]
    try:
        for selector in selectors:
            for event in _events(api, namespace, selector):
                uid = event.involved_object.uid
                if uid in found and event.reason == "Pulled" and event.message:
                    found[uid] = bool(found[uid]) or event.message.startswith("Successfully pulled")
    except ClusterError:
        return dict.fromkeys(uids)
    return found


def _events(api: Api, namespace: str, selector: str) -> Iterator[_Event]:
    path = f"/api/v1/namespaces/{checked('namespace', namespace)}/events"
    right = Right("list", "events", namespace=namespace)
    query = [("fieldSelector", selector)]
    return items(api, Listing(path=path, right=right, kind=_Event, query=query), lambda _missing: None)
