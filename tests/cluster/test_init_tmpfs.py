"""What an init container left in a volume in memory: the pod's, told as tmpfs, and no container's heap."""

import pytest

from cluster.conftest import Started
from cluster.measured import Memcollect, Say, container_of, finding, holds_anon, steps_of, term
from cluster.pods import MIB, Kit
from memcollect.documents.snapshot import Container, Pod

pytestmark = pytest.mark.cluster

LEFT_MIB, HELD_MIB = 18, 20
OF_THE_IMAGE_MIB = 16
MOUNTED = {"volumeMounts": [{"name": "scratch", "mountPath": "/mnt/scratch"}]}
IN_MEMORY = {"volumes": [{"name": "scratch", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}]}


@pytest.fixture(scope="module")
def pod(kit: Kit, started: Started, memcollect: Memcollect) -> Pod:
    """The pod, once its init container is through."""
    filler = kit.ending(
        "filler", f"write('/mnt/scratch/left', {LEFT_MIB})\nos.chmod('/mnt/scratch/left', 0o644)", **MOUNTED
    )
    main = kit.container("main", f"held = hold({HELD_MIB})\nstay()", **MOUNTED)
    started(kit.pod("init-tmpfs", main, initContainers=[filler], **IN_MEMORY))
    return memcollect.pod("init-tmpfs")


@pytest.fixture(scope="module")
def main(pod: Pod) -> Container:
    """The container that runs."""
    return container_of(pod, "main")


def test_tmpfs_of_an_init_container_is_charged_to_the_pod_to_the_byte(
    pod: Pod, main: Container, say: Say
) -> None:
    shmem = [each.cgroup.stat["shmem"] for each in pod.containers if each.cgroup and each.cgroup.stat]
    assert pod.cgroup is not None
    assert pod.cgroup.stat is not None
    assert pod.cgroup.stat["shmem"] - sum(shmem) == LEFT_MIB * MIB
    assert term(main, "shmem") == 0
    holds_anon(main, HELD_MIB)
    say(f"shmem {pod.cgroup.stat['shmem']}, none of it in a container")


def test_tmpfs_of_an_init_container_is_told_as_tmpfs_of_what_is_gone(
    pod: Pod, main: Container, say: Say
) -> None:
    left = finding(pod, "dead_containers")
    assert left.estimate_bytes is not None
    # As the ladder has it: taken off what the pod holds; with what was read of the image first.
    assert LEFT_MIB * MIB <= -left.estimate_bytes <= (LEFT_MIB + OF_THE_IMAGE_MIB) * MIB
    assert "tmpfs" in left.sentence
    assert "init container" in left.sentence
    steps_of(pod.ladder, main.ladder)
    say(left.sentence)


def test_a_file_that_an_init_container_left_is_named(memcollect: Memcollect, pod: Pod, say: Say) -> None:
    files = memcollect.explained(pod.name, "--files").files
    assert files is not None
    found = [each for each in files.files if each.path == "/mnt/scratch/left"]
    assert len(found) == 1, ([each.path for each in files.files], files.gaps)
    (left,) = found
    assert left.resident_high_bytes == LEFT_MIB * MIB
    say(f"{left.path}, {LEFT_MIB} MiB")
