"""Containers that are not where Kubernetes puts them: found by id, and told with whose they are."""

import pytest

from memcollect_agent.measure.sample import sample_node
from memcollect_agent.wire import SampleRequest
from worlds.reported_cases import roots_of, told, told_locally

MIB = 1 << 20
NOWHERE = ("ended", "take the snapshot again")


@pytest.mark.parametrize(
    ("case", "mebibytes"),
    [("23-driver-mismatch", 310), ("25-cluster-in-pod", 210), ("08-cgroup-parent", 105)],
)
def test_a_pod_is_measured_by_its_containers_ids(case: str, mebibytes: int) -> None:
    said = told(case)
    assert (said.code, said.snapshot.missing) == (0, [])
    assert said.snapshot.summary.working_set_bytes == mebibytes * MIB
    assert not any(words in said.words for words in NOWHERE)


def test_containers_beside_their_pods_cgroup_are_told_with_the_remedy() -> None:
    (finding,) = told("23-driver-mismatch").findings("elsewhere")
    assert "cgroup driver" in finding.remedy
    assert finding.sentence in told("23-driver-mismatch").verdict()


def test_of_a_pods_own_cgroup_that_does_not_hold_its_containers_no_step_is_made() -> None:
    ladder = told("23-driver-mismatch").pod().ladder
    assert ladder is not None
    assert {step.to_rung for step in ladder.steps}.isdisjoint({"pod_current"})
    assert all(step.residual.within_bound for step in ladder.steps)


def test_a_cluster_inside_a_pod_is_told_as_one() -> None:
    said = told("25-cluster-in-pod")
    assert said.pod().within.startswith("/kubepods.slice/")
    assert said.findings("within")[0].severity == "notice"


def test_memory_of_a_container_that_kubernetes_does_not_know_is_in_the_verdict() -> None:
    assert (
        "257 MiB more is charged to this pod by a container that Kubernetes does not know"
        in told("08-cgroup-parent").verdict()
    )


def test_what_docker_in_a_pod_puts_at_the_nodes_root_is_in_the_verdict() -> None:
    said = told("07-dind-escape")
    (finding,) = said.findings("started_outside")
    (container,) = said.pod().outside
    assert container.cgroup is not None
    assert finding.estimate_bytes == container.cgroup.current_bytes == 601 * MIB
    assert "Docker in this pod started (docker/a85e5de2d369" in said.verdict().replace("(/", "(")


def test_containers_of_gvisor_without_cgroups_are_not_missing() -> None:
    said = told("29-gvisor-no-subcgroups")
    assert (said.code, said.snapshot.missing) == (0, [])
    for pod in said.snapshot.pods:
        assert [(each.name, bool(each.inside)) for each in pod.containers][:2] == [
            ("app", True),
            ("side", True),
        ]
        assert pod.containers[2].role == "sandbox"
        assert "400 MiB of 485 MiB" in pod.verdict


def test_every_shape_of_path_is_found_by_the_containers_id() -> None:
    with roots_of("51-path-shapes") as roots:
        (node,) = roots.values()
        request = SampleRequest(units=["*"], nested=True, sums=False)
        sample = sample_node(request, node)
    found = {each.id for pod in sample.pods for each in pod.containers} | {each.id for each in sample.strays}
    assert len(SHAPES - found) == 0


def test_a_pod_inside_a_pod_is_a_row_and_not_in_the_total_twice() -> None:
    snapshot = told_locally("51-path-shapes").snapshot
    assert {each.id for pod in snapshot.pods for each in pod.containers} >= SHAPES
    (inner,) = [pod for pod in snapshot.pods if pod.within]
    assert inner.uid == "0e3e6d82-67a6-4368-8825-c8f060c1513a"
    assert snapshot.summary.working_set_bytes == 18 * 20 * MIB


SHAPES = frozenset(
    line.split()[0]
    for line in """
    8d1d9a2390b19bacdf4e45505d0caa9a58f51b9e465bdda38ecaa9268553338d  flat, of containerd
    498f960aade92c0065489cbfb7f47332ae7e4eda852a00d469a9c799c604e934  kind
    30d272907f7e8c043fa2e3734a94e2465cc8d735275a09ab7ac3170331cb5d1f  in LXC, with a namespace's level
    a31d59c7c3753fcbe165ef2e36290a1b124f0ccdaefd63e8935b7978acab3dd5  own root of two levels
    52c00c76cbead2080a14cd6d2602c7924a36248fac289f638ea93037c9232f89  minikube
    72c091ec9741721c85380b622cea21bfc175db13a57efa4e073fec243fd2651b  CRI-O, with levels below
    847738b2c0a55162b0c6dd3edee6b5d3cbe0c2944cdc7d0f499a25231394c3e3  cri-dockerd
    64cd367c8da8f4cff62c6628df8151ab4dd44ab4046de362c2f92db549ea6d03  in Docker
    175810e13ac9d983f2fbdf624429f7ca551853eef83f6c65f4bb09b0a6526bcd  CRI-O below an own root
    07708ebe53e3bdd48e32ea354fca8fa60d5d5d2998b7b49f1e48342f015a161f  k3s in LXC
    a6af43fc165c0659b2a1d43bc9625a0ad18ebcf207f282afbda6be9241acfc68  mismatched drivers
    3cf0ce0a7e79514969ea031cb39f11ceead16fa6286d68af6b19524b3b781adb  a scope in system.slice
    d25455cbb16cc98c1298c389f757011b3b1c6040b836a307342309f6717e982d  in podman
    46c431cadad9fde86a76a46559ed6fa2f788e88449d6f9cf8984701edd8d8c14  in nspawn
    d063b11832b5b742a479ce7d5d0bbd210ef25bccb1f90112f7bd26830796351e  in LXC
    2abaad4427d0083f7a21c50f8cf943bbc07a09df6fb195914a7a33683b56c36f  an extra level
    1ca474717d38c0bba1214fff0e67247d23fb34f5c0b932071dca278156f0e8fc  in a pod
    316aa8c3327d7efb3ee9e44e0f1512b3509001653435c53afd9c236498485e06  k3s without root
    """.strip().splitlines()
)
