"""Decoding a pod list with our structs, beside the official client's models."""

import json
import time
from typing import Any

import msgspec
import simulated
from kubernetes.client import ApiClient

from memcollect.kubernetes.objects import Page, Pod

AIM_RATIO = 10.0
_PAGE = 500


def compare(nodes: int, pods: int) -> None:
    """Decode the cluster's pod list, page by page, both ways; print the ratio."""
    ours_seconds = theirs_seconds = 0.0
    count = 0
    decoder = msgspec.json.Decoder(Page[Pod])
    client = ApiClient()
    for body in _pages(nodes, pods):
        begin = time.process_time()
        count += len(decoder.decode(body).items or [])
        middle = time.process_time()
        client.deserialize(body.decode(), "V1PodList", "application/json")
        theirs_seconds += time.process_time() - middle
        ours_seconds += middle - begin
    ratio = theirs_seconds / ours_seconds
    met = "met" if ratio >= AIM_RATIO else "NOT met"
    print(
        f"\ndecoding {count} pods: {ours_seconds:.2f} s of CPU with our structs, {theirs_seconds:.1f} s with "
        f"the official client's models: {ratio:.0f} times faster, the aim of {AIM_RATIO:.0f} is {met}"
    )


def _pages(nodes: int, pods: int) -> Any:
    page: list[dict[str, Any]] = []
    for pod in simulated.pod_objects(nodes, pods):
        page.append(pod)
        if len(page) == _PAGE:
            yield _body(page)
            page = []
    if page:
        yield _body(page)


def _body(items: list[dict[str, Any]]) -> bytes:
    return json.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": items}).encode()
