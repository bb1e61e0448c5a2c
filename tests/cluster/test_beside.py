"""Containers beside the app's: a native sidecar, and an ephemeral container, each with its own ladder."""

import time

import pytest

from cluster.conftest import START_SECONDS, Started, is_ready
from cluster.kubectl import Kubectl
from cluster.measured import Memcollect, Say, container_of, holds_anon, mib, steps_of, term
from cluster.pods import MIB, Json, Kit

pytestmark = pytest.mark.cluster

SIDECAR_MIB, MAIN_MIB, GUEST_MIB = 24, 32, 12


def test_a_sidecar_is_told_by_name_with_its_own_ladder(
    kit: Kit, started: Started, memcollect: Memcollect, say: Say
) -> None:
    helper = kit.sidecar("helper", f"held = hold({SIDECAR_MIB})\nstay()")
    main = kit.container("main", f"held = hold({MAIN_MIB})\nstay()")
    document = kit.pod("sidecar", main, initContainers=[helper])
    made = started(document, lambda pod: is_ready(pod) or not _restarts_always(pod))
    if not _restarts_always(made):
        pytest.skip("this Kubernetes has no native sidecars (they came with 1.28)")
    pod = memcollect.pod("sidecar")
    beside, app = container_of(pod, "helper"), container_of(pod, "main")
    assert beside.state == "running"
    held = [holds_anon(beside, SIDECAR_MIB), holds_anon(app, MAIN_MIB)]
    count = steps_of(pod.ladder, beside.ladder, app.ladder)
    say(f"helper {mib(held[0])}, main {mib(held[1])} of private memory; {count} steps")


def test_an_ephemeral_container_is_told_by_name_with_its_own_ladder(
    kit: Kit, started: Started, kubectl: Kubectl, memcollect: Memcollect, say: Say
) -> None:
    made = started(kit.pod("visited", kit.container("main", f"held = hold({MAIN_MIB})\nstay()")))
    guest = kit.ending("guest", f"held = hold({GUEST_MIB})\nstay()")
    del guest["resources"]
    path = f"/api/v1/namespaces/{kit.namespace}/pods/visited/ephemeralcontainers"
    document = {**made, "spec": {**made["spec"], "ephemeralContainers": [guest]}}
    kubectl.allowed("add an ephemeral container", "replace", "--raw", path, "-f", "-", document=document)
    deadline = time.monotonic() + START_SECONDS
    while not _holds(memcollect, GUEST_MIB):
        assert time.monotonic() < deadline, "the ephemeral container did not come to hold its memory"
        time.sleep(1)
    pod = memcollect.pod("visited")
    visitor, app = container_of(pod, "guest"), container_of(pod, "main")
    assert (visitor.role, app.role) == ("ephemeral", "container")
    held = [holds_anon(visitor, GUEST_MIB), holds_anon(app, MAIN_MIB)]
    count = steps_of(pod.ladder, visitor.ladder, app.ladder)
    say(f"guest {mib(held[0])}, main {mib(held[1])} of private memory; {count} steps")


def _restarts_always(pod: Json) -> bool:
    """Whether the API server kept what makes a sidecar of the init container."""
    return any(each.get("restartPolicy") == "Always" for each in pod["spec"]["initContainers"])


def _holds(memcollect: Memcollect, least_mib: int) -> bool:
    """Whether the ephemeral container holds so much: it has no probe that could tell."""
    (pod,) = memcollect.snapshot("visited", code=0).pods
    found = [each for each in pod.containers if each.name == "guest" and each.composition is not None]
    return any(term(each, "anon") >= least_mib * MIB for each in found)
