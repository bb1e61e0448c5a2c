"""Static pods: the API server has mirrors of them, whose cgroups are named by another UID than theirs."""

import pytest

from cluster.kubectl import Kubectl
from cluster.measured import Memcollect, Say, document, mib, steps_of
from cluster.pods import Json

pytestmark = pytest.mark.cluster

MIRROR, HASH = "kubernetes.io/config.mirror", "kubernetes.io/config.hash"
MOST = 3
SYSTEM = "kube-system"


@pytest.fixture(scope="module")
def mirrors(kubectl: Kubectl, agent_pods: list[Json]) -> list[Json]:
    """The longest running static pods, on nodes that have an agent."""
    pods = kubectl.listed("pods", "-A")
    pods = kubectl.listed("pods", "-n", SYSTEM) if pods is None else pods
    if pods is None:
        pytest.skip(f"we may not list the pods of {SYSTEM}")
    nodes = {each["spec"].get("nodeName") for each in agent_pods}
    found = [each for each in pods if _is_mirror(each) and each["spec"].get("nodeName") in nodes]
    running = [each for each in found if each["status"].get("phase") == "Running"]
    if not running:
        pytest.skip("no node has a static pod that runs")
    return sorted(running, key=lambda each: each["status"].get("startTime") or "~")[:MOST]


def _is_mirror(pod: Json) -> bool:
    return MIRROR in (pod["metadata"].get("annotations") or {})


def test_static_pods_are_found_by_the_uid_in_their_annotation(
    mirrors: list[Json], memcollect: Memcollect, say: Say
) -> None:
    names = [f"{each['metadata']['namespace']}/{each['metadata']['name']}" for each in mirrors]
    taken = document(memcollect.run("snapshot", *names, "--format", "json", "--timeout", "120s"), 0)
    measured = {each.full_name: each for each in taken.pods}
    for name, mirror in zip(names, mirrors, strict=True):
        pod, uid = measured[name], mirror["metadata"]["annotations"][HASH]
        assert uid != mirror["metadata"]["uid"]
        assert pod.cgroup is not None
        assert uid.replace("-", "_") in pod.cgroup.path.replace("-", "_")
        count = steps_of(pod.ladder)
        say(f"{name}: pod{uid[:8]}…, {mib(pod.cgroup.current_bytes or 0)}, {count} steps")
