from memcollect.documents.snapshot import Container, Finding, Pod, Runtime, Top
from memcollect.explain import explain_pod
from memcollect_agent.wire import Hint, Region
from worlds.builders import MIB, NODE, cgroup, container, pod

GVISOR = Runtime(family="gvisor")
KATA = Runtime(family="kata")


def vmm(*regions: Region, missing: str = "") -> Hint:
    return Hint(
        kind="vmm", pid=7, program="firecracker", by="exe", regions=list(regions), regions_missing=missing
    )


def sandbox(*hints: Hint, **more: object) -> Container:
    return container("sandbox", role="sandbox", hints=list(hints), **more)


def found(explained: Pod, cause: str) -> Finding:
    (finding,) = [each for each in explained.findings if each.cause == cause]
    return finding


def causes(explained: Pod) -> set[str]:
    return {each.cause for each in explained.findings}


def test_an_ordinary_pod_is_told_nothing_of_runtimes() -> None:
    explained = explain_pod(pod(), NODE)
    assert causes(explained).isdisjoint({"guest_memory", "runtime_own", "top_provider", "recycled"})
    assert "guest_memory" not in {each.name for each in explained.undecided}


def test_a_guest_that_nobody_found_is_undecided_and_not_zero() -> None:
    explained = explain_pod(pod(runtime=KATA), NODE)
    (open_,) = [each for each in explained.undecided if each.name == "guest_memory"]
    assert "is in none of these numbers" in open_.reason
    assert "guest_memory" not in causes(explained)


def test_a_guest_that_nobody_found_is_told_in_the_verdict() -> None:
    """The pod's numbers are then without the most of it: a VMM left in its runtime's own cgroup, say."""
    verdict = explain_pod(pod(runtime=KATA), NODE).verdict

    assert "Where the guest's memory is could not be told: no process that holds a Kata guest was" in verdict


def test_a_shim_without_a_guest_is_no_vmm_of_an_unknown_shape() -> None:
    shim = Hint(kind="kata-shim", pid=7, program="containerd-shim-kata-v2", by="exe", regions=[])
    explained = explain_pod(pod(sandbox(shim), runtime=KATA), NODE)
    (open_,) = [each for each in explained.undecided if each.name == "guest_memory"]

    assert open_.reason.startswith("no process that holds a Kata guest was found in the pod's cgroups")


def test_mappings_that_were_not_read_are_the_reason() -> None:
    explained = explain_pod(pod(sandbox(vmm(missing="the time budget was spent")), runtime=KATA), NODE)
    (open_,) = [each for each in explained.undecided if each.name == "guest_memory"]
    assert (open_.missing, open_.reason) == ("smaps of process 7", "the time budget was spent")


def test_a_contradiction_of_api_and_node_is_a_warning_that_the_verdict_repeats() -> None:
    explained = explain_pod(pod(runtime=Runtime(family="gvisor", disagreement="They differ.")), NODE)
    assert found(explained, "runtime_disagreement").severity == "warning"
    assert "They differ." in explained.verdict


def test_huge_pages_of_a_guest_stand_beside_the_charge_and_not_in_it() -> None:
    huge = Region(backing="hugetlb", size_bytes=256 * MIB, hugetlb_bytes=256 * MIB, writable=True)
    holding = cgroup(hugetlb={"2MB": 256 * MIB})
    explained = explain_pod(pod(sandbox(vmm(huge), cgroup=holding), runtime=KATA), NODE)
    assert "beside memory.current and not in it" in found(explained, "guest_memory").sentence
    assert found(explained, "runtime_own").estimate_bytes == holding.current_bytes
    assert "256 MiB of guest memory is huge pages, beside what is charged" in explained.verdict


def test_a_number_of_the_hosts_own_cgroup_is_not_explained_away() -> None:
    top = Top(source="metrics.k8s.io", memory_bytes=5 * MIB, provider="host-cgroup")
    assert "top_provider" not in causes(explain_pod(pod(runtime=GVISOR, top=top), NODE))


def test_a_number_larger_than_the_hosts_charge_is_said_to_be_more() -> None:
    top = Top(source="metrics.k8s.io", memory_bytes=500 * MIB, provider="kata-guest")
    told = found(explain_pod(pod(runtime=KATA, top=top), NODE), "top_provider")
    assert "323 MiB more than the host's 177 MiB" in told.sentence
    assert told.estimate_bytes == -323 * MIB


def test_a_charge_outside_the_pod_that_was_not_read_leaves_the_bill_unknown() -> None:
    outside = container("kata_overhead", role="overhead", cgroup=cgroup(None))
    top = Top(source="metrics.k8s.io", memory_bytes=MIB, provider="kata-guest")
    explained = explain_pod(pod(runtime=KATA, outside=[outside], top=top), NODE)
    assert "An unknown amount of its bill is charged" in found(explained, "outside_pod").sentence
    assert "top_provider" not in causes(explained)
